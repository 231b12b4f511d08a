//! Numbers by their place.

use super::Array;
use std::sync::Arc;

impl Array {
    /// Of each row of `[R, C]` the numbers in `columns` (`per_row` of them a row): `[R, per_row]`.
    pub fn gather(self, columns: &Arc<Vec<i32>>, per_row: usize) -> Self {
        let [rows, cols] = self.table();
        assert_eq!(columns.len(), rows * per_row, "columns for every row");
        let place = move |n: usize, column: i32| n / per_row * cols + column as usize;
        let values = self.values();
        let data = columns.iter().enumerate().map(|(n, &column)| values[place(n, column)]).collect();
        let columns = columns.clone();
        let edge = self.edge(move |g| {
            let mut out = vec![0.0; rows * cols];
            columns.iter().zip(g).enumerate().for_each(|(n, (&column, g))| out[place(n, column)] += g);
            out
        });
        Self::derived(data, [rows, per_row], [edge])
    }

    /// The rows (`axis` 0) or columns (1) of a table that `index` names, in that order.
    pub fn select(self, axis: usize, index: &Arc<Vec<i32>>) -> Self {
        let around @ [before, along, after] = self.around(axis);
        let values = self.values();
        let mut data = Vec::with_capacity(before * index.len() * after);
        for b in 0..before {
            for &n in index.iter() {
                data.extend_from_slice(&values[(b * along + n as usize) * after..][..after]);
            }
        }
        let mut shape = self.shape.clone();
        shape[axis] = index.len();
        let index = index.clone();
        let edge = self.edge(move |g| {
            let [before, along, after] = around;
            let mut out = vec![0.0; before * along * after];
            for (n, row) in g.chunks_exact(after).enumerate() {
                let (b, n) = (n / index.len(), index[n % index.len()] as usize);
                out[(b * along + n) * after..][..after].iter_mut().zip(row).for_each(|(out, g)| *out += g);
            }
            out
        });
        Self::derived(data, shape, [edge])
    }
}
