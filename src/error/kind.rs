//! What kind of error it is, and the exit code that follows. The codes are Ansible's.

/// The exit code of a run that the user stopped.
pub const INTERRUPTED: u8 = 99;

/// What kind of error it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorKind {
    /// Something that was asked for is wrong or missing, or cannot be done.
    #[default]
    Wrong,
    /// A task cannot be run with the arguments that it has. Ansible finds that when it comes to the task.
    Task,
    /// A file cannot be understood.
    Unreadable,
    /// A setting of the configuration is wrong.
    Configuration,
    /// The words of a command line do not go together.
    Options,
    /// The user stopped what was being done.
    Interrupted,
    /// A fault of the program itself.
    Unexpected,
}

impl ErrorKind {
    /// The exit code the program ends with.
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::Wrong => 1,
            ErrorKind::Task => 2,
            ErrorKind::Unreadable => 4,
            ErrorKind::Configuration | ErrorKind::Options => 5,
            ErrorKind::Interrupted => INTERRUPTED,
            ErrorKind::Unexpected => 250,
        }
    }
}
