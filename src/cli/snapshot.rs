use super::{Globals, Verdict};
use super::failure::Failure;
pub(super) fn run(_g: &Globals) -> Result<Verdict, Failure> { Ok(Verdict::Good) }
