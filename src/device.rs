//! The device a run computes on: the CPU, or the GPU (wgpu natively, WebGPU in the browser).
//!
//! A GPU is used only after it has computed one training step as the CPU does and in less time, unless it is asked
//! for by name. An invalid shader is silent on WebGPU (outputs keep old memory), so the numbers are the only witness.

use crate::error::{Error, Result};
use crate::tensor::Device;
use crate::train::reference::Workload;
use serde::{Deserialize, Serialize};

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The GPU where there is a real one that passes the self-test and is faster; else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU, software ones included; an error when it is missing or wrong.
    Gpu,
}

impl std::str::FromStr for Choice {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu),
            other => Err(Error::Device(format!("no device is called {other}; choose auto, cpu or gpu"))),
        }
    }
}

/// What a run computes on, and why.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// `cpu` or `gpu`.
    pub kind: String,
    /// Name of the adapter, or `SIMD`.
    pub name: String,
    /// Why this one.
    pub reason: String,
    /// The comparison with the CPU; none when no GPU was tried.
    pub self_test: Option<SelfTest>,
}

/// One training step on both devices.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct SelfTest {
    /// Whether the numbers agree.
    pub passed: bool,
    /// Largest difference of a weight after the step, relative to the largest weight.
    pub max_error: f64,
    /// Milliseconds a step of the run's own shape takes on each device, medians, after the first ones have compiled the
    /// kernels; none where the GPU was asked for by name, since nothing hangs on it.
    pub times: Option<Times>,
}

/// Milliseconds a step, median.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Times {
    /// On the CPU.
    pub cpu_ms: f64,
    /// On the GPU.
    pub gpu_ms: f64,
}

/// An opened device.
pub struct Opened {
    /// For tensors.
    pub device: Device,
    /// What and why.
    pub report: Report,
    #[cfg(feature = "gpu")]
    handle: Option<wgpu::Device>,
}

impl Opened {
    /// The CPU, with the reason why.
    pub fn cpu(reason: impl Into<String>) -> Self {
        let report = Report { kind: "cpu".into(), name: "SIMD".into(), reason: reason.into(), self_test: None };
        Self {
            device: Device::Cpu,
            report,
            #[cfg(feature = "gpu")]
            handle: None,
        }
    }

    /// Destroys the GPU device under the run, as a driver reset would: for the fallback's test and the lesson on it.
    pub fn lose(&self) {
        #[cfg(feature = "gpu")]
        if let Some(handle) = &self.handle {
            handle.destroy();
        }
    }
}

/// Opens the device of `choice` for a run of the shape of `workload`.
///
/// # Errors
/// Only for [`Choice::Gpu`]: no adapter, or a GPU that computes wrongly.
pub async fn open(choice: Choice, workload: &Workload) -> Result<Opened> {
    #[cfg(not(feature = "gpu"))]
    let _ = workload;
    match choice {
        Choice::Cpu => Ok(Opened::cpu("asked for")),
        #[cfg(feature = "gpu")]
        Choice::Gpu => gpu::open(None).await,
        #[cfg(feature = "gpu")]
        Choice::Auto => Ok(gpu::open(Some(workload)).await.unwrap_or_else(|e| Opened::cpu(e.to_string()))),
        #[cfg(not(feature = "gpu"))]
        Choice::Gpu => Err(Error::Device("this build has no GPU back end; use the one with the gpu feature".into())),
        #[cfg(not(feature = "gpu"))]
        Choice::Auto => Ok(Opened::cpu("this build has no GPU back end")),
    }
}

#[cfg(feature = "gpu")]
mod gpu {
    use super::{Opened, Report, SelfTest, Times};
    use crate::config::{Config, Init};
    use crate::data::synthetic;
    use crate::error::{Error, Result};
    use crate::matrix::Matrix;
    use crate::tensor::Device;
    use crate::train::Session;
    use crate::train::reference::{Reference, Workload};
    use std::collections::BTreeMap;
    use std::rc::Rc;

    /// Largest relative difference of a weight after the self-test's step.
    const TOLERANCE: f64 = 2e-3;
    const TIMED_STEPS: usize = 5;

    /// Opens the GPU and checks it. With a workload it must be a real one that is faster on that; without, it is taken
    /// as it is, a software adapter included.
    pub async fn open(compared_on: Option<&Workload>) -> Result<Opened> {
        register_operations();
        let missing = |e: String| Error::Device(format!("no GPU can be used ({e})"));
        if !available().await {
            return Err(missing("there is no adapter".into()));
        }
        let (device, setup) = burn::tensor::Device::wgpu_options()
            .init_with_setup_async()
            .await
            .map_err(|e| missing(format!("{e:?}")))?;
        let device = Device::Gpu(device);
        let info = setup.adapter.get_info();
        let name = if info.name.is_empty() { format!("{:?}", info.backend) } else { info.name };
        if info.device_type == wgpu::DeviceType::Cpu && compared_on.is_some() {
            return Err(missing(format!("{name} is a software adapter, slower than the CPU path")));
        }
        let mut test = self_test(&device).await?;
        if !test.passed {
            return Err(Error::Device(format!(
                "{name} computes a training step differently from the CPU (relative difference {:.1e}); the CPU is used",
                test.max_error
            )));
        }
        let mut reason = "asked for".to_owned();
        if let Some(workload) = compared_on {
            let cpu_ms = milliseconds(workload, &Device::Cpu).await?;
            let gpu_ms = milliseconds(workload, &device).await?;
            test.times = Some(Times { cpu_ms, gpu_ms });
            if gpu_ms >= cpu_ms {
                let mut cpu =
                    Opened::cpu(format!("a step takes {cpu_ms:.1} ms on the CPU and {gpu_ms:.1} ms on {name}"));
                cpu.report.self_test = Some(test);
                return Ok(cpu);
            }
            reason = format!("a step takes {gpu_ms:.1} ms, on the CPU {cpu_ms:.1} ms");
        }
        let report = Report { kind: "gpu".into(), name, reason, self_test: Some(test) };
        Ok(Opened { device, report, handle: Some(setup.device) })
    }

    /// burn registers its WGSL operations through constructors, which nothing calls in a browser.
    fn register_operations() {
        #[cfg(target_arch = "wasm32")]
        {
            static ONCE: std::sync::Once = std::sync::Once::new();
            ONCE.call_once(|| unsafe {
                unsafe extern "C" {
                    fn __wasm_call_ctors();
                }
                __wasm_call_ctors();
            });
        }
    }

    async fn milliseconds(workload: &Workload, device: &Device) -> Result<f64> {
        Ok(Reference::new(workload, device)?.time("", TIMED_STEPS).await?.median_ms)
    }

    /// Asks wgpu for an adapter first: burn's own request panics on some platforms where there is none.
    async fn available() -> bool {
        let instance = wgpu::Instance::default();
        instance.request_adapter(&wgpu::RequestAdapterOptions::default()).await.is_ok()
    }

    /// One optimiser step on both devices from the same start.
    pub async fn self_test(device: &Device) -> Result<SelfTest> {
        let cpu = run(Device::Cpu).await?;
        let gpu = run(device.clone()).await?;
        let largest = cpu.values().flat_map(|m| &m.data).fold(0.0f32, |a, x| a.max(x.abs()));
        let mut error = 0.0f32;
        for (name, expected) in &cpu {
            let actual = gpu.get(name).ok_or_else(|| Error::Device(format!("{name} was not computed")))?;
            for (a, b) in expected.data.iter().zip(&actual.data) {
                // A NaN must fail the test, and `max` would pass over it.
                error = if b.is_finite() { error.max((a - b).abs()) } else { f32::INFINITY };
                if error.is_infinite() {
                    break;
                }
            }
        }
        let max_error = f64::from(error / largest.max(f32::MIN_POSITIVE));
        Ok(SelfTest { passed: max_error <= TOLERANCE, max_error, times: None })
    }

    async fn run(device: Device) -> Result<BTreeMap<String, Matrix>> {
        let mut config = Config::default();
        config.model = crate::config::ModelConfig { hidden: 32, dim: 16, init: Init::Random, ..config.model };
        config.train = crate::config::TrainConfig { batch: 16, epochs: 8, eval_every: 0, ..config.train };
        config.data.text_dim = 32;
        let mut session = Session::new(Rc::new(synthetic::corpus(24, 7)), config, None, device)?;
        session.step(1).await?;
        session.weights().download().await
    }
}
