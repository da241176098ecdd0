//! Anybody on a host may read the arguments of every program there: no secret stands among them.
//!
//! Every program of this computer is found behind another one of its name, which writes its arguments down first.

use super::playbook;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

const SECRET: &str = "gt9f-secret-5yq2";

/// A folder with a program for every program, and the file that they write into.
fn watched() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "#!/bin/dash\nn=${{0##*/}}\nprintf '%s\\n' \"$n $*\" >>{}\n\
         for d in /usr/sbin /usr/bin /sbin /bin; do [ ! -x $d/$n ] || exec $d/$n \"$@\"; done\n",
        folder.path().join("arguments").display()
    );
    let one = folder.path().join("one");
    std::fs::write(&one, text).unwrap();
    for path in [folder.path(), &one] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let programs = folder.path().join("programs");
    std::fs::create_dir(&programs).unwrap();
    for place in ["/usr/sbin", "/usr/bin", "/sbin", "/bin"] {
        for entry in std::fs::read_dir(place).unwrap().flatten() {
            // The same program stands in several places.
            let _ = symlink("../one", programs.join(entry.file_name()));
        }
    }
    folder
}

/// A server that says yes to everything.
fn server() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = [0; 65536];
            let _ = stream.read(&mut asked);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nyes");
        }
    });
    port
}

/// Runs tasks with the secret in `secret`, and gives back the arguments of all programs.
fn arguments_of(tasks: &str) -> String {
    let watched = watched();
    let text = format!("- hosts: localhost\n  gather_facts: false\n  tasks:\n{tasks}")
        .replace("PORT", &server().to_string());
    let folder = playbook(&text);
    std::fs::write(folder.path().join("vars.yml"), format!("secret: {SECRET}\n")).unwrap();
    let path = format!(
        "{}:{}",
        watched.path().join("programs").display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new(env!("CARGO_BIN_EXE_vent"))
        .current_dir(folder.path())
        .env("PATH", path)
        .args(["run", "site.yml", "-i", "localhost,", "-e", "@vars.yml"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::read_to_string(watched.path().join("arguments")).unwrap()
}

fn holds_no_secret(arguments: &str, programs: &[&str]) {
    let lines: Vec<&str> = arguments.lines().filter(|line| line.contains(SECRET)).collect();
    assert_eq!(lines, Vec::<&str>::new());
    // Nor the marks of answers, which could be forged by who knows them.
    let is_mark = |word: &&str| word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let marks: Vec<&str> = arguments
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(is_mark)
        .collect();
    assert_eq!(marks, Vec::<&str>::new());
    for program in programs {
        let ran = arguments
            .lines()
            .any(|line| line.split(' ').next() == Some(program));
        assert!(ran, "{program} was not run:\n{arguments}");
    }
}

#[test]
fn no_secret_stands_among_the_arguments_of_a_program() {
    let arguments = arguments_of(
        "    - shell: 'test \"$TOKEN\" = {{ secret }} && grep -q . && wc -c </etc/passwd'
      args: { stdin: '{{ secret }}' }
      environment: { TOKEN: '{{ secret }}' }
    - shell: 'test {{ secret }} = \"$TOKEN\" && uname'
      args: { executable: bash }
      environment: { TOKEN: '{{ secret }}' }
    - raw: 'test {{ secret }} && uname'
    - shell: 'test {{ secret }} && uname'
      async: 30
      poll: 0
    - copy: { content: '{{ secret }}', dest: FOLDER/copied, mode: '0600' }
    - blockinfile: { path: FOLDER/copied, block: '{{ secret }}' }
    - uri:
        url: http://127.0.0.1:PORT/
        method: POST
        url_username: me
        url_password: '{{ secret }}'
        force_basic_auth: true
        headers: { Authorization: 'Bearer {{ secret }}' }
        body_format: json
        body: { token: '{{ secret }}' }
        dest: FOLDER/answer
    - get_url:
        url: http://127.0.0.1:PORT/file
        dest: FOLDER/fetched
        url_username: me
        url_password: '{{ secret }}'
        headers: { X-Token: '{{ secret }}' }
",
    );
    holds_no_secret(&arguments, &["sh", "wc", "bash", "uname", "curl", "dd", "mv"]);
}

#[test]
#[ignore = "needs root: makes a user and answers a question of debconf"]
fn passwords_of_accounts_and_packages_stand_among_no_arguments() {
    let arguments = arguments_of(
        "    - user: { name: vent-secret, password: '$6$x${{ secret }}', create_home: false }
    - user: { name: vent-secret, password: '$6$y${{ secret }}', create_home: false }
    - user: { name: vent-secret, state: absent }
    - debconf: { name: vent-test, question: vent-test/password, vtype: password, value: '{{ secret }}' }
",
    );
    let purge = "echo PURGE | debconf-communicate vent-test";
    let _ = Command::new("sh").args(["-c", purge]).output();
    holds_no_secret(
        &arguments,
        &["useradd", "chpasswd", "userdel", "debconf-set-selections"],
    );
    assert!(!Path::new("/home/vent-secret").exists());
}
