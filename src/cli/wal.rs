//! `exchequer wal`: a look into the log, changing nothing. The directory is locked while it lasts.

use serde_json::json;

use super::failure::Failure;
use super::table::{self, Column, table};
use super::{Globals, Output, Verdict, console, data_dir};
use crate::engine::feed::names::Names;
use crate::engine::feed::render;
use crate::journal::frame::frames;
use crate::wal::{Lsn, OpenFault, VisitStop, inspect, read_log};

#[derive(clap::Subcommand, Debug)]
pub(super) enum Arguments {
    /// List the segments, after reading all of them.
    Inspect,
    /// Show the records of one block, with the names that they refer to.
    Dump {
        /// The block's number.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        lsn: u64,
    },
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    match arguments {
        Arguments::Inspect => segments(globals),
        Arguments::Dump { lsn } => dump(globals, Lsn::new(*lsn)),
    }
}

fn segments(globals: &Globals) -> Result<Verdict, Failure> {
    let (storage, identity) = data_dir::locked_storage(globals)?;
    let segments =
        inspect(&*storage, &identity).map_err(|fault| Failure::log("cannot inspect the log", &fault))?;
    if globals.output == Output::Json {
        let segments: Vec<_> = segments
            .iter()
            .map(|segment| {
                json!({
                    "name": segment.name,
                    "first_lsn": segment.first.number(),
                    "last_lsn": segment.last.number(),
                    "epoch": segment.epoch,
                    "blocks": segment.blocks,
                    "bytes_used": segment.bytes_used,
                    "size": segment.size,
                    "sealed": segment.sealed,
                })
            })
            .collect();
        console::print_json(&json!({ "segments": segments }))?;
        return Ok(Verdict::Good);
    }
    let columns = [
        Column::Left("segment"),
        Column::Right("first lsn"),
        Column::Right("last lsn"),
        Column::Right("blocks"),
        Column::Right("bytes used"),
        Column::Right("size"),
        Column::Right("epoch"),
        Column::Left("sealed"),
    ];
    let rows: Vec<_> = segments
        .iter()
        .map(|segment| {
            vec![
                segment.name.clone(),
                segment.first.to_string(),
                if segment.blocks == 0 { "-".to_owned() } else { segment.last.to_string() },
                table::count(segment.blocks),
                table::count(segment.bytes_used),
                table::count(segment.size),
                segment.epoch.to_string(),
                if segment.sealed { "yes" } else { "no" }.to_owned(),
            ]
        })
        .collect();
    console::print(&table(&columns, &rows))?;
    Ok(Verdict::Good)
}

fn dump(globals: &Globals, lsn: Lsn) -> Result<Verdict, Failure> {
    let (storage, identity) = data_dir::locked_storage(globals)?;
    let mut names = Names::default();
    let mut found = None;
    let attempt = || format!("cannot dump block {lsn} of the log");
    // The names that a block refers to may stand in any block before it.
    let read = read_log(&*storage, &identity, Lsn::NOTHING, Some(lsn), &mut |block| {
        let wanted = block.lsn == lsn;
        let mut records = Vec::new();
        for frame in frames(block.bytes) {
            let frame = frame.map_err(VisitStop::new)?;
            names.learn(&frame).map_err(VisitStop::new)?;
            if wanted {
                records.push(render::record(&names, &frame).map_err(VisitStop::new)?);
            }
        }
        if wanted {
            found = Some(json!({
                "lsn": lsn.number(),
                "segment": block.segment,
                "offset": block.offset,
                "bytes": block.bytes.len(),
                "seal": block.bytes.is_empty(),
                "records": records,
            }));
        }
        Ok(())
    });
    match read {
        // Whatever comes after the block does not matter here.
        _ if found.is_some() => {}
        Err(OpenFault::Gap { expected, found }) if found < expected => {}
        read => drop(read.map_err(|fault| Failure::log(attempt(), &fault))?),
    }
    let block = found.ok_or_else(|| {
        Failure::new(
            format!("{}: there is none", attempt()),
            "see `exchequer wal inspect` for the blocks there are",
        )
    })?;
    match globals.output {
        Output::Json => console::print_json(&block)?,
        Output::Text => console::print(&format!("{block:#}"))?,
    }
    Ok(Verdict::Good)
}
