//! EfficientNet-lite0, the pretrained image encoder: `[n, 224, 224, 3]` pixels to `[n, 1280]` features.
//!
//! Convolutions, ReLU6, residual sums and an average over the picture; batch norm is folded into weights and biases
//! before they are rounded to 8 bits. One code for the pack builder, the command line and the page, so that a picture
//! of one's own is comparable with the pack's feature blocks after [`crate::features::pca::Pca::project`].
//!
//! M. Tan, Q. Le, "EfficientNet", ICML 2019, in the `lite` variant without squeeze-and-excite.

use crate::data::corpus::Tiles;
use crate::error::{Error, Result};
use crate::features::int8::{Entry, Int8, Scaled, bad, open, read_f32, write};
use crate::matrix::Matrix;
use crate::tensor::{Device, Tensor, Window};
use safetensors::SafeTensors;

/// Side of the pictures the encoder sees.
pub const ENCODER_SIZE: usize = 224;
/// Length of its features.
pub const ENCODER_DIM: usize = 1280;
/// Name of its part in a pack.
pub const ENCODER_PART: &str = "encoder";
/// Pictures per forward pass: the widest layer takes 4.8 MB a picture.
const BATCH: usize = 4;

/// One convolution of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerPlan {
    /// Name in the part, e.g. `blocks.3.depthwise`.
    pub name: String,
    /// Channels in.
    pub input: usize,
    /// Channels out.
    pub output: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Step between output pixels.
    pub stride: usize,
    /// Each channel by itself.
    pub depthwise: bool,
    /// Followed by ReLU6.
    pub relu6: bool,
}

impl LayerPlan {
    /// Shape of its weights, `[output, input / groups, kernel, kernel]`.
    pub fn weight_shape(&self) -> [usize; 4] {
        [self.output, if self.depthwise { 1 } else { self.input }, self.kernel, self.kernel]
    }
}

/// An inverted bottleneck: expand (but for the first), depthwise, project; plus its input where shapes allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockPlan {
    /// Its convolutions in order.
    pub layers: Vec<LayerPlan>,
    /// Whether the input is added to the output.
    pub skip: bool,
}

/// The architecture: stem, 16 blocks, head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncoderPlan {
    /// First convolution.
    pub stem: LayerPlan,
    /// The blocks.
    pub blocks: Vec<BlockPlan>,
    /// Last convolution, before the average.
    pub head: LayerPlan,
}

impl EncoderPlan {
    /// EfficientNet-lite0.
    pub fn lite0() -> Self {
        // Repeats, kernel, stride of the first repeat, expansion, channels out.
        const STAGES: [[usize; 5]; 7] = [
            [1, 3, 1, 1, 16],
            [2, 3, 2, 6, 24],
            [2, 5, 2, 6, 40],
            [3, 3, 2, 6, 80],
            [3, 5, 1, 6, 112],
            [4, 5, 2, 6, 192],
            [1, 3, 1, 6, 320],
        ];
        let layer = |name: String, input, output, kernel, stride, depthwise, relu6| LayerPlan {
            name,
            input,
            output,
            kernel,
            stride,
            depthwise,
            relu6,
        };
        let mut channels = 32;
        let mut blocks = Vec::new();
        for [repeats, kernel, first_stride, expansion, output] in STAGES {
            for repeat in 0..repeats {
                let stride = if repeat == 0 { first_stride } else { 1 };
                let name = format!("blocks.{}", blocks.len());
                let wide = channels * expansion;
                let mut layers = Vec::new();
                if expansion > 1 {
                    layers.push(layer(format!("{name}.expand"), channels, wide, 1, 1, false, true));
                }
                layers.push(layer(format!("{name}.depthwise"), wide, wide, kernel, stride, true, true));
                layers.push(layer(format!("{name}.project"), wide, output, 1, 1, false, false));
                blocks.push(BlockPlan { layers, skip: stride == 1 && channels == output });
                channels = output;
            }
        }
        Self {
            stem: layer("stem".into(), 3, 32, 3, 2, false, true),
            blocks,
            head: layer("head".into(), channels, ENCODER_DIM, 1, 1, false, true),
        }
    }

    /// All convolutions in order.
    pub fn layers(&self) -> impl Iterator<Item = &LayerPlan> {
        let inner = self.blocks.iter().flat_map(|block| &block.layers);
        std::iter::once(&self.stem).chain(inner).chain(std::iter::once(&self.head))
    }

    /// The bytes of the pack part, from each layer's folded weights (row-major, [`LayerPlan::weight_shape`]) and biases.
    pub fn to_part(&self, weights: impl Fn(&LayerPlan) -> Result<(Vec<f32>, Vec<f32>)>) -> Result<Vec<u8>> {
        let mut entries = Vec::new();
        for layer in self.layers() {
            let (weight, bias) = weights(layer)?;
            let weight = Int8::quantise(&weight, &layer.weight_shape(), Scaled::Rows);
            entries.extend(weight.entries(&format!("{}.weight", layer.name)));
            entries.push(Entry::f32(&format!("{}.bias", layer.name), &[layer.output], &bias));
        }
        write(ENCODER_PART, &entries)
    }
}

/// The network on a device, ready to run.
#[derive(Debug, Clone)]
pub struct Encoder {
    stem: Layer,
    blocks: Vec<(Vec<Layer>, bool)>,
    head: Layer,
    device: Device,
}

#[derive(Debug, Clone)]
struct Layer {
    weight: Tensor<4>,
    bias: Tensor<1>,
    kernel: usize,
    stride: usize,
    depthwise: bool,
    relu6: bool,
}

impl Encoder {
    /// Reads the pack part and puts the weights on `device`.
    ///
    /// # Errors
    /// [`Error::Format`] when a layer is missing or has another shape.
    pub fn from_part(bytes: &[u8], device: &Device) -> Result<Self> {
        let plan = EncoderPlan::lite0();
        let file = open(ENCODER_PART, bytes)?;
        let layer = |plan: &LayerPlan| Layer::read(&file, plan, device);
        let blocks = plan
            .blocks
            .iter()
            .map(|block| Ok((block.layers.iter().map(layer).collect::<Result<_>>()?, block.skip)))
            .collect::<Result<_>>()?;
        Ok(Self { stem: layer(&plan.stem)?, blocks, head: layer(&plan.head)?, device: device.clone() })
    }

    /// Features `[n, 1280]` of pictures of side [`ENCODER_SIZE`] (see [`preprocess`]).
    pub async fn features(&self, pictures: &Tiles) -> Result<Matrix> {
        if pictures.size != ENCODER_SIZE && !pictures.rgb.is_empty() {
            return Err(Error::Data(format!(
                "the encoder takes pictures of {ENCODER_SIZE} pixels, got {}; use `preprocess` first",
                pictures.size
            )));
        }
        let mut data = Vec::with_capacity(pictures.len() * ENCODER_DIM);
        for batch in pictures.rgb.chunks(BATCH * ENCODER_SIZE * ENCODER_SIZE * 3) {
            data.extend(self.forward(self.tensor(batch)).values().await?);
        }
        Matrix::new(pictures.len(), ENCODER_DIM, data)
    }

    /// RGB bytes, picture by picture, as `[n, 3, 224, 224]` in about -1 to 1.
    fn tensor(&self, rgb: &[u8]) -> Tensor<4> {
        let pixels = ENCODER_SIZE * ENCODER_SIZE;
        let n = rgb.len() / (pixels * 3);
        let mut values = vec![0.0f32; n * pixels * 3];
        for (planes, picture) in values.chunks_exact_mut(pixels * 3).zip(rgb.chunks_exact(pixels * 3)) {
            for (c, plane) in planes.chunks_exact_mut(pixels).enumerate() {
                for (value, pixel) in plane.iter_mut().zip(picture.chunks_exact(3)) {
                    *value = (f32::from(pixel[c]) - 127.0) / 128.0;
                }
            }
        }
        Tensor::new(values, [n, 3, ENCODER_SIZE, ENCODER_SIZE], &self.device)
    }

    /// `[n, 3, 224, 224]` to `[n, 1280]`.
    fn forward(&self, pictures: Tensor<4>) -> Tensor<2> {
        let mut x = self.stem.forward(pictures);
        for (layers, skip) in &self.blocks {
            let input = x.clone();
            x = layers.iter().fold(x, |x, layer| layer.forward(x));
            if *skip {
                x = x + input;
            }
        }
        let x = self.head.forward(x);
        let [n, channels, height, width] = x.dims();
        x.reshape([n, channels, height * width]).mean_dim(2).reshape([n, channels])
    }
}

impl Layer {
    fn read(file: &SafeTensors, plan: &LayerPlan, device: &Device) -> Result<Self> {
        let name = format!("{}.weight", plan.name);
        let weight = Int8::read(file, ENCODER_PART, &name, Scaled::Rows)?;
        let bias = read_f32(file, ENCODER_PART, &format!("{}.bias", plan.name))?;
        let shape = plan.weight_shape();
        if weight.shape != shape || bias.len() != plan.output {
            return Err(bad(ENCODER_PART, format!("{name} has shape {:?} instead of {shape:?}", weight.shape)));
        }
        Ok(Self {
            weight: Tensor::new(weight.dequantise(), shape, device),
            bias: Tensor::new(bias, [plan.output], device),
            kernel: plan.kernel,
            stride: plan.stride,
            depthwise: plan.depthwise,
            relu6: plan.relu6,
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = x.dims();
        let [rows, columns] = [height, width].map(|side| self.same_padding(side));
        let window = Window { stride: self.stride, rows, columns, depthwise: self.depthwise };
        let y = x.conv2d(&self.weight, &self.bias, window);
        if self.relu6 { y.clamp(0.0, 6.0) } else { y }
    }

    /// TensorFlow's SAME: `ceil(side / stride)` outputs, the odd pixel of padding at the end.
    fn same_padding(&self, side: usize) -> (usize, usize) {
        let outputs = side.div_ceil(self.stride);
        let total = ((outputs - 1) * self.stride + self.kernel).saturating_sub(side);
        (total / 2, total - total / 2)
    }
}

/// Cuts the largest centred square out of a picture (`width * height * 3` RGB bytes) and scales it to
/// [`ENCODER_SIZE`] with a bicubic filter: what the encoder was trained on.
pub fn preprocess(rgb: &[u8], width: usize, height: usize) -> Result<Tiles> {
    let problem = || Error::Image {
        name: "picture".into(),
        problem: format!("{} bytes are not {width} x {height} RGB pixels", rgb.len()),
    };
    let picture: image::RgbImage = u32::try_from(width)
        .ok()
        .zip(u32::try_from(height).ok())
        .filter(|(width, height)| *width > 0 && *height > 0)
        .and_then(|(width, height)| image::ImageBuffer::from_raw(width, height, rgb.to_vec()))
        .ok_or_else(problem)?;
    let side = picture.width().min(picture.height());
    let (x, y) = ((picture.width() - side) / 2, (picture.height() - side) / 2);
    let square = image::imageops::crop_imm(&picture, x, y, side, side).to_image();
    let size = ENCODER_SIZE as u32;
    let scaled = image::imageops::resize(&square, size, size, image::imageops::FilterType::CatmullRom);
    Ok(Tiles { size: ENCODER_SIZE, rgb: scaled.into_raw() })
}
