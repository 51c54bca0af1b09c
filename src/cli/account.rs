use super::{Globals, Verdict};
use super::failure::Failure;
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {}
pub(super) fn run(_g: &Globals, _a: &Arguments) -> Result<Verdict, Failure> { Ok(Verdict::Good) }
