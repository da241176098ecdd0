//! What can be asked of a host, what can be done to it, and how doing changes what is answered. Pure:
//! nothing here touches a host; scripts are written and their output is read.

mod action;
mod answer;
mod attributes;
mod dns;
mod explain;
mod facts;
mod foreign;
mod overlay;
mod printed;
mod question;
mod script;
mod state;
mod temporary;
mod tree;
mod unpack;
mod write;

pub use crate::words::{quote, requote};
pub use action::{Action, Attributes, Command, Effect, Performed, mode_text};
pub use answer::{Account, Answer, FileKind, Group, Output, Package, Stat, Unfinished, Unit};
pub use attributes::{set_attributes, touch};
pub use dns::{
    Alias, DnsAccess, DnsAnswer, DnsZone, Hidden, Location, RecordAction, RecordChange, RecordQuestion,
    RecordSet,
};
pub use explain::explain;
pub use facts::{facts_script, parse_facts};
pub use foreign::{OURS, apart, inside, removing};
pub use printed::{ParseError, parse};
pub use question::{Question, Resource};
pub use script::question_script;
pub use state::State;
pub use tree::TreeChanges;
pub use unpack::{Unpacking, unpack};
pub use write::{
    Destination, Writing, enter, failure_text, make_folder, make_link, places, remove, remove_empty,
    write_file,
};
