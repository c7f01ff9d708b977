//! Vectors as pgvector's `halfvec`, in the binary form in which they are sent.

use anyhow::anyhow;
use half::f16;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type};

/// A vector of f16: two bytes for the number of values, two unused ones, and the values, all with the great byte first.
/// Source: `halfvec_recv` of pgvector 0.8.
#[derive(Debug)]
pub(super) struct HalfVector(Vec<f16>);

impl From<Vec<f16>> for HalfVector {
    fn from(values: Vec<f16>) -> Self {
        Self(values)
    }
}

impl HalfVector {
    pub(super) fn into_values(self) -> Vec<f16> {
        self.0
    }
}

impl Type<Postgres> for HalfVector {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("halfvec")
    }
}

impl Encode<'_, Postgres> for HalfVector {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&u16::try_from(self.0.len())?.to_be_bytes());
        buffer.extend_from_slice(&[0, 0]);
        for value in &self.0 {
            buffer.extend_from_slice(&value.to_be_bytes());
        }
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for HalfVector {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let bytes = value.as_bytes()?;
        let (head, values) = bytes.split_at_checked(4).ok_or_else(|| anyhow!("a vector without a head"))?;
        if values.len() != 2 * usize::from(u16::from_be_bytes([head[0], head[1]])) {
            return Err(anyhow!("a vector of another length than it says").into());
        }
        Ok(Self(values.as_chunks::<2>().0.iter().map(|pair| f16::from_be_bytes(*pair)).collect()))
    }
}
