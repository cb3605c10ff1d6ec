//! Counters that somebody else has written.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use lru_memo::shared::{Found, Namespace, Store};

use crate::shared::memcached_server::Server;
use crate::shared::{info, space, square};

#[path = "../../../../lru-memo/src/shared/hash.rs"]
mod hash;

/// Where numbers stand in a directory.
const SEQUENCE: usize = 20;
const HITS: usize = 156;
const MISSES: usize = 164;

/// Sends a command; what the server answers to it, and to one that asks for nothing.
fn exchange(server: &Server, command: &[u8]) -> Vec<u8> {
    const END: &[u8] = b"MN\r\n";
    let mut stream = TcpStream::connect(server.host()).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
    stream.write_all(&[command, b"mn\r\n"].concat()).expect("the server reads");
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    while !answer.ends_with(END) {
        let length = stream.read(&mut buffer).expect("the server answers");
        assert_ne!(length, 0, "the server has closed the connection");
        answer.extend_from_slice(&buffer[..length]);
    }
    answer.truncate(answer.len() - END.len());
    answer
}

/// Puts the highest number at these places of the directory of a namespace.
fn raise(server: &Server, space: &Namespace, places: &[usize]) {
    let name = format!("lm:d:{:032x}", space.id());
    let answer = exchange(server, format!("mg {name} v\r\n").as_bytes());
    let start = answer.iter().position(|&byte| byte == b'\n').expect("a line") + 1;
    let mut directory = answer[start..answer.len() - 2].to_vec();
    directory.truncate(directory.len() - 8);
    for &place in places {
        directory[place..place + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    }
    let seal = hash::hash([0x4c4d_7631, 0x6974_656d], &directory);
    directory.extend(seal.to_le_bytes());
    let command = format!("ms {name} {} T0\r\n", directory.len());
    let written = exchange(server, &[command.as_bytes(), &directory, b"\r\n"].concat());
    assert_eq!(written, b"HD\r\n");
}

#[test]
fn counters_of_a_directory_that_are_as_high_as_can_be_stay_so() {
    let server = Server::on_port(&[]);
    let (store, space) = (server.store(), space("f", Some(4)));
    square(&store, &space, 1);
    raise(&server, &space, &[SEQUENCE, HITS, MISSES]);
    assert_eq!(info(&store, &space), (u64::MAX, u64::MAX, 1));
    assert!(square(&store, &space, 1));
    assert!(!square(&store, &space, 2));
    store.count_hit(&space).expect("it works");
    assert_eq!(info(&store, &space), (u64::MAX, u64::MAX, 2));
    store.reject(&space, &2_u64.to_le_bytes()).expect("it works");
    assert_eq!(info(&store, &space), (u64::MAX, u64::MAX, 1));
}

#[test]
fn what_was_invalidated_is_not_stored_however_many_invalidations_there_were() {
    let server = Server::on_port(&[]);
    for maxsize in [Some(4), None] {
        let (store, space) = (server.store(), space("f", maxsize));
        square(&store, &space, 1);
        raise(&server, &space, &[SEQUENCE]);
        let Ok(Found::Miss(ticket)) = store.get(&space, b"k") else { panic!("it is not there") };
        assert_eq!(store.is_current(&space, b"k", ticket), Ok(true));
        store.invalidate(&space, b"k").expect("it works");
        assert_eq!(store.is_current(&space, b"k", ticket), Ok(false));
        assert_eq!(store.is_current(&space, b"other", ticket), Ok(true));
    }
}

#[test]
fn counters_on_the_server_that_are_as_high_as_can_be_are_told_as_such() {
    let server = Server::on_port(&[]);
    for maxsize in [Some(4), None] {
        let (store, space) = (server.store(), space("f", maxsize));
        square(&store, &space, 1);
        square(&store, &space, 1);
        store.count_hit(&space).expect("it works");
        for name in ["lm:h:", "lm:m:", "lm:n:"].iter().flat_map(|beginning| server.items(beginning)) {
            assert_eq!(server.tell(&format!("ms {name} 20 T0\r\n{}\r\n", u64::MAX)), ["HD"]);
        }
        let (hits, ..) = info(&store, &space);
        assert!(hits == if maxsize.is_some() { u64::MAX } else { 0 }, "{hits} hits");
        assert!(square(&store, &space, 1));
        info(&store, &space);
    }
}
