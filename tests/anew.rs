//! A test that is started anew in a process of its own: inside namespaces, or where it may do to its children what it likes.

use std::ffi::OsStr;
use std::process::Command;

/// Starts the test `name` of this program behind the words of `around`, with a variable by which it knows that it was; it must succeed.
pub fn start(name: &str, around: &[&str], variable: (&str, impl AsRef<OsStr>)) {
    let this = std::env::current_exe().unwrap();
    let this = this.to_str().unwrap();
    let test = [this, "--exact", name, "--include-ignored", "--nocapture"];
    let words = [around, &test].concat();
    let output = Command::new(words[0])
        .args(&words[1..])
        .env(variable.0, variable.1)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    print!("{told}");
    assert!(output.status.success(), "{words:?}");
    assert!(told.contains("1 passed"), "there is no test {name}");
}
