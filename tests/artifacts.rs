//! `vent artifacts` from outside: real builds, real HTTP on this computer, real archives.

mod bench;
mod mirror;
mod told;

use bench::{Project, Server, publish, sha256, texts};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Command;

#[test]
#[ignore = "needs Go"]
fn what_nobody_offers_is_built_once_and_locked() {
    let server = Server::start();
    let project = Project::new("built", &server.address);
    let dry = ["--names", "hello", "--to", "files", "--dry-run"];
    assert_eq!(
        project.fetch("cache", &dry).0,
        "changed: hello 1.0.0 for amd64 (not in the cache yet)\n"
    );
    assert_eq!(server.visits(), 0);
    let (said, progress) = project.fetch("cache", &["--names", "hello", "--to", "files"]);
    assert_eq!(
        said,
        "changed: hello 1.0.0 for amd64 (built from artifacts/hello)\n"
    );
    let unavailable = format!(
        "hello 1.0.0 for amd64: not from http://{0}/v1.0.0/hello-amd64.tar.gz: artifacts/lock.yml has no digest of it",
        server.address
    );
    assert!(progress.contains(&unavailable), "{progress}");
    assert!(
        progress.contains("building hello 1.0.0 for amd64 from artifacts/hello with Go "),
        "{progress}"
    );
    let program = project.folder.join("files/amd64/hello");
    let hello = Command::new(&program).output().unwrap();
    assert_eq!(texts(&hello).1, "hello 1.0.0\n");

    let visits = server.visits();
    assert_eq!(
        project.fetch("cache", &["--names", "hello", "--to", "files"]),
        (String::new(), String::new())
    );
    assert_eq!(project.fetch("cache", &dry), (String::new(), String::new()));
    assert_eq!(server.visits(), visits);

    let locked = project.vent(
        "other",
        &["build", "--arch", "amd64", "--names", "hello", "--lock"],
    );
    assert!(locked.status.success(), "{}", texts(&locked).1);
    let lock = std::fs::read_to_string(project.folder.join("artifacts/lock.yml")).unwrap();
    assert!(
        lock.contains(&format!("built: {}", sha256(&program))),
        "two builds differ: {lock}"
    );
}

#[test]
#[ignore = "needs Go"]
fn the_publishers_file_is_taken_and_compared() {
    let server = Server::start();
    let project = Project::new("official", &server.address);
    publish(&server, &project, "the official one");
    // Nobody vouches for it yet.
    let (said, _) = project.fetch("unlocked", &["--names", "hello"]);
    assert!(said.contains("built from artifacts/hello"), "{said}");
    assert_eq!(server.visits(), 0);
    let lock = ["lock", "--official", "--arch", "amd64", "--names", "hello"];
    let locked = texts(&project.vent("cache", &lock));
    let from = format!("http://{}/v1.0.0/hello-amd64.tar.gz", server.address);
    assert_eq!(
        locked.0,
        format!("changed: hello 1.0.0 for amd64 ({from})\n"),
        "{}",
        locked.1
    );
    assert_eq!(texts(&project.vent("cache", &lock)).0, "");
    let (said, _) = project.fetch("cache", &["--names", "hello=1.0.0"]);
    assert_eq!(said, format!("changed: hello 1.0.0 for amd64 ({from})\n"));
    let path = project.vent("cache", &["path", "hello", "--arch", "amd64"]);
    let path = PathBuf::from(texts(&path).0.trim());
    assert_eq!(std::fs::read_to_string(path).unwrap(), "the official one");

    server.put("/v1.0.0/hello-amd64.tar.gz.sha256", "0".repeat(64));
    let refused = project.vent("other", &["fetch", "--arch", "amd64", "--names", "hello"]);
    let (_, error) = texts(&refused);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        error.contains("error: wrong digest of hello 1.0.0 for amd64"),
        "{error}"
    );
    assert!(
        error.contains(&format!("expected sha256 {}", "0".repeat(64))),
        "{error}"
    );
    assert!(
        !error.contains("building"),
        "a wrong digest must not lead to the next source: {error}"
    );
}

#[test]
#[ignore = "needs Go"]
fn a_publishers_file_is_locked_once_and_what_cannot_be_had_is_named() {
    let server = Server::start();
    let project = Project::new("lock", &server.address);
    publish(&server, &project, "the official one");
    let lock = project.vent("cache", &["lock", "--official", "--arch", "amd64"]);
    let (said, error) = texts(&lock);
    assert_eq!(lock.status.code(), Some(1));
    assert!(
        said.starts_with("changed: hello 1.0.0 for amd64 (http://"),
        "{said}"
    );
    assert!(
        error.contains("error: 1 official files could not be had")
            && error.contains(&format!(
                "cause: hello.tar 1.0.0 for amd64: {}/hello:1.0.0",
                server.address
            )),
        "{error}"
    );
    let written = std::fs::read_to_string(project.folder.join("artifacts/lock.yml")).unwrap();
    let digest = sha256(&project.folder.join("bin/hello"));
    assert!(written.contains(&format!("official: {digest}")), "{written}");

    publish(&server, &project, "another one, with a checksum of its own");
    let refused = project.vent(
        "cache",
        &["lock", "--official", "--arch", "amd64", "--names", "hello"],
    );
    assert!(
        texts(&refused)
            .1
            .contains("wrong digest of hello 1.0.0 for amd64")
    );
    let kept = std::fs::read_to_string(project.folder.join("artifacts/lock.yml")).unwrap();
    assert_eq!(kept, written);
}

#[test]
#[ignore = "needs Go"]
fn a_mirror_does_not_overrule_the_lock_file() {
    let outside = Server::start();
    let project = Project::new("overruled", &outside.address);
    let mirror = project.folder.join("mirror/hello/1.0.0/amd64");
    std::fs::create_dir_all(&mirror).unwrap();
    std::fs::write(mirror.join("hello"), "of the mirror").unwrap();
    let digest = sha256(&mirror.join("hello"));
    for origin in ["official", "built", "built with another compiler"] {
        let own = format!("hello:\n  1.0.0:\n    amd64:\n      {origin}: '{digest}'\n");
        std::fs::write(project.folder.join("mirror/lock.yml"), own).unwrap();
        let (said, progress) = project.fetch(origin, &["--names", "hello", "--mirror", "mirror"]);
        assert!(
            said.contains("(built from artifacts/hello)"),
            "{origin}: {said}{progress}"
        );
    }
}

#[test]
#[ignore = "needs Go"]
fn a_file_that_differs_from_the_lock_is_refused() {
    let server = Server::start();
    let project = Project::new("locked", &server.address);
    publish(&server, &project, "the official one");
    let lock = format!(
        "hello:\n  1.0.0:\n    amd64:\n      official: '{}'\n",
        "1".repeat(64)
    );
    std::fs::write(project.folder.join("artifacts/lock.yml"), lock).unwrap();
    let refused = project.vent("cache", &["fetch", "--arch", "amd64", "--names", "hello"]);
    let (_, error) = texts(&refused);
    assert!(
        error.contains(&format!("expected sha256 {}", "1".repeat(64))),
        "{error}"
    );
    assert_eq!(
        project.vent("cache", &["verify"]).status.code(),
        Some(0),
        "nothing wrong stays in the cache"
    );
}

#[test]
#[ignore = "needs Go"]
fn with_a_full_mirror_no_outside_connection_is_opened() {
    let outside = Server::start();
    let project = Project::new("mirror", &outside.address);
    let locked = project.vent(
        "cache",
        &["build", "--arch", "amd64", "--names", "hello,part", "--lock"],
    );
    assert!(locked.status.success(), "{}", texts(&locked).1);
    let exported = project.vent("cache", &["export", "mirror", "--arch", "amd64"]);
    assert_eq!(
        texts(&exported).0,
        "changed: 3 of 3 artifacts written to mirror\n",
        "{}",
        texts(&exported).1
    );
    let visits = outside.visits();

    let (said, progress) = project.fetch("from-folder", &["--mirror", "mirror"]);
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(
        !progress.contains("building") && !progress.contains("not from"),
        "{progress}"
    );

    let inside = Server::start();
    let mirror = project.folder.join("mirror");
    for path in ["lock.yml", "hello/1.0.0/amd64/hello", "part/1.0.0/amd64/part"] {
        inside.put(&format!("/{path}"), std::fs::read(mirror.join(path)).unwrap());
    }
    let address = format!("http://{}/", inside.address);
    let (said, progress) = project.fetch("from-address", &["--mirror", &address]);
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(!progress.contains("building"), "{progress}");
    assert!(inside.visits() >= 2);
    assert_eq!(outside.visits(), visits, "somebody outside was asked");

    std::fs::write(mirror.join("hello/1.0.0/amd64/hello"), "changed").unwrap();
    let refused = project.vent("third", &["fetch", "--arch", "amd64", "--mirror", "mirror"]);
    assert!(
        texts(&refused)
            .1
            .contains("wrong digest of hello 1.0.0 for amd64")
    );
}

#[test]
#[ignore = "needs Go"]
fn an_image_is_put_together_or_pulled_from_its_registry() {
    let registry = Server::start();
    let project = Project::new("image", &registry.address);
    let (said, progress) = project.fetch("cache", &["--names", "hello.tar", "--to", "files"]);
    assert_eq!(
        said, "changed: hello.tar 1.0.0 for amd64 (put together from part)\n",
        "{progress}"
    );
    let archive = project.folder.join("files/amd64/hello.tar");
    let unpacked = Command::new("tar")
        .arg("-xf")
        .arg(&archive)
        .arg("-C")
        .arg(&project.folder)
        .status()
        .unwrap();
    assert!(unpacked.success());

    let mut gzip = Command::new("gzip");
    gzip.arg("-c").arg(project.folder.join("layer0.tar"));
    let layer = project.folder.join("layer.gz");
    std::fs::write(&layer, gzip.output().unwrap().stdout).unwrap();
    let configuration = project.folder.join("configuration");
    std::fs::write(&configuration, "{}").unwrap();
    let mut digests = Vec::new();
    for file in [&layer, &configuration] {
        registry.put(
            &format!("/v2/hello/blobs/sha256:{}", sha256(file)),
            std::fs::read(file).unwrap(),
        );
        digests.push(sha256(file));
    }
    let manifest = project.folder.join("manifest");
    let text = format!(
        "{{\"config\":{{\"digest\":\"sha256:{}\"}},\"layers\":[{{\"digest\":\"sha256:{}\"}}]}}",
        digests[1], digests[0]
    );
    std::fs::write(&manifest, &text).unwrap();
    let platform = "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}";
    let index = format!(
        "{{\"manifests\":[{{\"digest\":\"sha256:{}\",{platform}}}]}}",
        sha256(&manifest)
    );
    registry.put("/v2/hello/manifests/1.0.0", index);
    registry.put(&format!("/v2/hello/manifests/sha256:{}", sha256(&manifest)), text);
    let locked = project.vent(
        "pulled",
        &["lock", "--official", "--arch", "amd64", "--names", "hello.tar"],
    );
    assert!(locked.status.success(), "{}", texts(&locked).1);
    let (said, progress) = project.fetch("pulled", &["--names", "hello.tar", "--to", "pulled-files"]);
    assert_eq!(
        said,
        format!(
            "changed: hello.tar 1.0.0 for amd64 ({}/hello:1.0.0)\n",
            registry.address
        ),
        "{progress}"
    );
    let listed = Command::new("tar")
        .arg("-tf")
        .arg(project.folder.join("pulled-files/amd64/hello.tar"))
        .output();
    let names = texts(&listed.unwrap()).0;
    assert_eq!(names, format!("{}.json\nlayer0.tar\nmanifest.json\n", digests[1]));

    registry.put(
        &format!("/v2/hello/blobs/sha256:{}", digests[0]),
        "something else",
    );
    let refused = project.vent("refused", &["fetch", "--arch", "amd64", "--names", "hello.tar"]);
    assert!(
        texts(&refused).1.contains("wrong digest of hello.tar 1.0.0"),
        "{}",
        texts(&refused).1
    );
}

#[test]
#[ignore = "needs Go"]
fn several_at_once_build_once() {
    let server = Server::start();
    let project = Project::new("parallel", &server.address);
    let runs: Vec<(String, String)> = std::thread::scope(|scope| {
        let start = || scope.spawn(|| project.fetch("cache", &["--names", "hello,part"]));
        let threads: Vec<_> = (0..3).map(|_| start()).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let builds: usize = runs
        .iter()
        .map(|(_, progress)| progress.matches("building hello").count())
        .sum();
    assert_eq!(builds, 1, "{runs:#?}");
    let left = std::fs::read_dir(project.folder.join("cache/artifacts/.parts"))
        .unwrap()
        .count();
    assert_eq!(left, 0);
}

#[test]
#[ignore = "needs Go"]
fn a_killed_run_leaves_nothing_that_the_next_one_keeps() {
    let server = Server::start();
    let project = Project::new("killed", &server.address);
    let mut build = Command::new(env!("CARGO_BIN_EXE_vent"));
    build
        .args(["artifacts", "build", "--arch", "amd64", "--names", "hello"])
        .current_dir(&project.folder);
    let cache = project.folder.join("cache");
    build
        .env("VENT_CACHE", &cache)
        .stderr(std::process::Stdio::piped());
    // A build cache of its own, so that the build takes some seconds.
    build
        .env("GOCACHE", project.folder.join("go-cache"))
        .env("GOPROXY", "off");
    let mut build = build.spawn().unwrap();
    let mut progress = BufReader::new(build.stderr.take().unwrap()).lines();
    assert!(progress.next().unwrap().unwrap().starts_with("building hello"));
    build.kill().unwrap();
    build.wait().unwrap();
    assert!(!cache.join("artifacts/hello/1.0.0/amd64/hello").exists());
    let half = cache.join("artifacts/.parts/hello-1.0.0-amd64");
    std::fs::write(&half, "half a file").unwrap();
    let (said, _) = project.fetch("cache", &["--names", "hello"]);
    assert_eq!(
        said,
        "changed: hello 1.0.0 for amd64 (built from artifacts/hello)\n"
    );
    assert!(!half.exists());
}

#[test]
#[ignore = "needs Go"]
fn what_cannot_be_had_anywhere_names_every_source() {
    let server = Server::start();
    let project = Project::new("nowhere", &server.address);
    std::fs::remove_file(project.folder.join("artifacts/hello/go.mod")).unwrap();
    let (_, error) = texts(&project.vent(
        "cache",
        &["fetch", "--arch", "amd64", "--names", "hello", "--mirror", "m"],
    ));
    let (address, folder) = (&server.address, project.folder.display());
    let no_digest = "artifacts/lock.yml has no digest of it, and without one nothing is taken from there";
    let expected = format!(
        "error: hello 1.0.0 for amd64 cannot be had\n  \
         cause: m/hello/1.0.0/amd64/hello: {no_digest}\n  \
         cause: http://{address}/v1.0.0/hello-amd64.tar.gz: {no_digest}\n  \
         cause: build: cannot build hello 1.0.0 for amd64: there is no {folder}/artifacts/hello/go.mod\n  \
         help: put the file into the cache or a mirror (`vent artifacts export DIR` on a computer that can get it)\n"
    );
    assert!(error.ends_with(&expected), "{error}");
}

#[test]
#[ignore = "needs Go"]
fn a_missing_project_and_an_unknown_name_are_explained() {
    let project = Project::new("errors", "127.0.0.1:1");
    let unknown = project.vent("cache", &["fetch", "--names", "helo"]);
    assert_eq!(
        texts(&unknown).1,
        "error: there is no artifact called `helo`\n  help: did you mean `hello`?\n"
    );
    std::fs::remove_file(project.folder.join("artifacts/artifacts.yml")).unwrap();
    let (_, error) = texts(&project.vent("cache", &["verify"]));
    let expected = format!(
        "error: there is no list of artifacts\n  cause: neither {} nor a folder above it has \
         artifacts/artifacts.yml\n  help: run this inside a project that has one, or name its folder with \
         --artifacts\n",
        project.folder.display()
    );
    assert_eq!(error, expected);
}
