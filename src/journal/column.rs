//! Columns of numbers as raw little-endian bytes; a column of equal values is written as one value.

use super::JournalFault;

/// A number that stands in a column.
pub trait Number: Copy + PartialEq {
    /// Bytes of one value.
    const BYTES: usize;
    /// Appends the value.
    fn put(self, bytes: &mut Vec<u8>);
    /// Reads the value from its `BYTES` bytes.
    fn take(bytes: &[u8]) -> Self;
}

macro_rules! number {
    ($($type:ty)*) => {$(
        impl Number for $type {
            const BYTES: usize = size_of::<$type>();
            #[inline]
            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
            #[inline]
            fn take(bytes: &[u8]) -> Self {
                let mut value = [0; size_of::<$type>()];
                value.copy_from_slice(bytes);
                Self::from_le_bytes(value)
            }
        }
    )*};
}
number!(u8 u32 u64 i64);

/// A column being built.
#[derive(Debug, Default)]
pub struct ColumnBuilder<T> {
    first: Option<T>,
    rows: usize,
    varies: bool,
    bytes: Vec<u8>,
}

impl<T: Number> ColumnBuilder<T> {
    /// Appends one row's value.
    #[inline]
    pub fn push(&mut self, value: T) {
        if self.varies {
            value.put(&mut self.bytes);
        } else {
            match self.first {
                Some(first) if first != value => self.spread(value),
                Some(_) => {}
                None => self.first = Some(value),
            }
        }
        self.rows += 1;
    }

    #[cold]
    fn spread(&mut self, value: T) {
        if let Some(first) = self.first {
            (0..self.rows).for_each(|_| first.put(&mut self.bytes));
        }
        value.put(&mut self.bytes);
        self.varies = true;
    }

    /// The bytes to write: one value if all rows have the same.
    pub fn bytes(&mut self) -> &[u8] {
        if !self.varies {
            self.bytes.clear();
            if let Some(first) = self.first {
                first.put(&mut self.bytes);
            }
        }
        &self.bytes
    }

    /// Empties the column; its memory stays.
    pub fn clear(&mut self) {
        self.first = None;
        self.rows = 0;
        self.varies = false;
        self.bytes.clear();
    }
}

/// A column being read, of a known number of rows.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a, T> {
    bytes: &'a [u8],
    step: usize,
    value: std::marker::PhantomData<T>,
}

impl<'a, T: Number> Column<'a, T> {
    /// Checks that the bytes hold one value, or one a row.
    pub fn new(bytes: &'a [u8], rows: usize) -> Result<Self, JournalFault> {
        let step = if bytes.len() == T::BYTES {
            0
        } else if rows.checked_mul(T::BYTES) == Some(bytes.len()) {
            T::BYTES
        } else {
            return Err(JournalFault::Malformed("column length"));
        };
        Ok(Self { bytes, step, value: std::marker::PhantomData })
    }

    /// The value of a row.
    #[inline]
    pub fn row(&self, row: usize) -> T {
        let start = row * self.step;
        T::take(&self.bytes[start..start + T::BYTES])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[u32], bytes: usize) {
        let mut builder = ColumnBuilder::default();
        for value in values {
            builder.push(*value);
        }
        let written = builder.bytes().to_vec();
        assert_eq!(written.len(), bytes);
        let column = Column::<u32>::new(&written, values.len()).unwrap();
        let read: Vec<_> = (0..values.len()).map(|row| column.row(row)).collect();
        assert_eq!(read, values);
    }

    #[test]
    fn equal_values_are_written_once() {
        check(&[7, 7, 7], 4);
        check(&[7], 4);
        check(&[7, 7, 8, 7], 16);
        assert!(Column::<u32>::new(&[0; 5], 2).is_err());
        assert!(Column::<u32>::new(&[0; 8], usize::MAX).is_err());
    }
}
