//! What can be asked of a host, what can be done to it, and how doing changes what is answered. Pure:
//! nothing here touches a host; scripts are written and their output is read.

mod action;
mod answer;
mod dns;
mod explain;
mod facts;
mod overlay;
mod printed;
mod question;
mod script;
mod state;
mod temporary;
mod write;

pub use crate::words::{quote, requote};
pub use action::{Action, Attributes, Command, Effect, Performed, mode_text};
pub use answer::{Account, Answer, FileKind, Group, Output, Package, Stat, Unfinished, Unit};
pub use dns::{
    Alias, DnsAccess, DnsAnswer, DnsZone, Hidden, Location, RecordAction, RecordChange, RecordQuestion,
    RecordSet,
};
pub use explain::explain;
pub use facts::{facts_script, parse_facts};
pub use printed::{ParseError, parse};
pub use question::{Question, Resource};
pub use script::question_script;
pub use state::State;
pub use write::{
    Destination, Writing, failure_text, make_folder, make_link, places, remove, set_attributes, write_file,
};
