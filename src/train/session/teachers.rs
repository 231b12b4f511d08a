//! Who teaches whom: where items stand, the spaces that orders are read in, and the look at the whole training set.

use super::Session;
use crate::config::{Config, Control, Neighbours, Teacher};
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::model::{Side, Weights};
use crate::rng::{Purpose, stream};
use crate::train::index::Index;
use crate::train::inputs::means;
use crate::train::trainer;
use rand::seq::SliceRandom as _;

impl Session {
    /// Looks at the whole training set where triplets take their neighbours from there and a look is due.
    pub(super) async fn look(&mut self) -> Result<()> {
        let Config { transfer, train, .. } = &self.config;
        let (corpus, first) = (transfer.neighbours == Neighbours::Corpus, train.warmup_epochs);
        let (epoch, inside) = (self.plan.epoch(self.step), self.step % self.plan.steps_per_epoch);
        let due = epoch >= first && inside == 0 && (epoch - first).is_multiple_of(transfer.refresh_epochs);
        if !corpus || !due {
            return Ok(());
        }
        let items = &self.partition.train_items;
        let banks = [
            self.stand(Side::Image, &self.state.weights, items).await?,
            self.stand(Side::Text, &self.state.weights, items).await?,
        ];
        let mut teachers = Vec::with_capacity(2);
        for student in [Side::Image, Side::Text] {
            let teacher = trainer::teacher_of(student, transfer.control);
            let mut space = self.teacher_space(teacher, items, &banks[usize::from(teacher == Side::Text)]).await?;
            if transfer.control == Control::Shuffled {
                let mut order: Vec<usize> = (0..items.len()).collect();
                order.shuffle(&mut stream(self.config.seed, Purpose::Triplets, u64::MAX - 1 - epoch as u64));
                space = space.select(order);
            }
            teachers.push(space);
        }
        let teachers = teachers.try_into().unwrap_or_else(|_| unreachable!("one teacher for each of two students"));
        self.index = Some(Index::new(teachers, banks, transfer, &self.device));
        Ok(())
    }

    /// The space of `teacher` in which orders are read, rows of `items`, `[n, d_a]`; `current`: where the teacher stands.
    async fn teacher_space(&self, teacher: Side, items: &[usize], current: &Matrix) -> Result<Matrix> {
        Ok(match self.config.transfer.teacher {
            Teacher::Embedding => current.clone(),
            Teacher::Average => self.stand(teacher, &self.state.average, items).await?,
            Teacher::Features if teacher == Side::Image => self.inputs.image_means(items).normalised(),
            Teacher::Features => self.inputs.caption_means(items).normalised(),
            Teacher::Fused => {
                let table = self.inputs.fused.as_ref().ok_or_else(|| Error::Data("no fused teacher".into()))?;
                table.select(items.iter().copied())
            }
        })
    }

    /// What `student` is taught by and where it stands itself, rows of `items`: `[n, d_a]` and `[n, d]`, unit rows.
    pub async fn classroom(&self, student: Side, items: &[usize]) -> Result<(Matrix, Matrix)> {
        let teacher = trainer::teacher_of(student, self.config.transfer.control);
        let own = self.stand(student, &self.state.weights, items).await?;
        let current =
            if teacher == student { own.clone() } else { self.stand(teacher, &self.state.weights, items).await? };
        Ok((self.teacher_space(teacher, items, &current).await?, own))
    }

    /// Where `items` stand under `weights`: the mean over their pictures or captions, unit rows, `[n, d]`.
    async fn stand(&self, side: Side, weights: &Weights, items: &[usize]) -> Result<Matrix> {
        match side {
            Side::Image => {
                let mut sum = Matrix::zeros(items.len(), self.config.model.dim);
                for &view in &self.inputs.train_views {
                    let rows = self.inputs.image[view].select(items.iter().copied());
                    let rows = self.embed_inputs_by(weights, side, &rows).await?;
                    sum.data.iter_mut().zip(rows.data).for_each(|(s, x)| *s += x);
                }
                Ok(sum.normalised())
            }
            Side::Text => {
                let rows = items.iter().flat_map(|&i| self.inputs.captions_of[i].clone());
                let all = self.embed_inputs_by(weights, side, &self.inputs.captions.select(rows)).await?;
                let mut starts = vec![0];
                starts.extend(items.iter().scan(0, |end, &i| {
                    *end += self.inputs.captions_of[i].len();
                    Some(*end)
                }));
                let at: Vec<usize> = (0..items.len()).collect();
                Ok(means(&at, all.cols, |n| (starts[n]..starts[n + 1]).map(|row| all.row(row))).normalised())
            }
        }
    }
}
