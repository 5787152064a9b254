//! After closing, the process's memory holds neither the key nor a secret that was in the vault.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};

use zeroize::Zeroizing;

use super::*;

/// How often a pattern stands in this process's writable memory. The pattern comes inverted, so that looking for it does
/// not find the looker.
fn occurrences(inverted: &[u8]) -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = fs::File::open("/proc/self/mem").unwrap();
    let mut count = 0;
    for line in maps.lines().filter(|line| line.contains(" rw") && !line.contains("[v")) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        let mut bytes = Zeroizing::new(vec![0; usize::try_from(to - from).unwrap()]);
        // A region that another thread gives back meanwhile cannot be read.
        if memory.seek(SeekFrom::Start(from)).and_then(|_| memory.read_exact(&mut bytes)).is_err() {
            continue;
        }
        count += bytes
            .windows(inverted.len())
            .filter(|window| window[0] == !inverted[0])
            .filter(|window| window.iter().zip(inverted).all(|(byte, inverted)| *byte == !inverted))
            .count();
    }
    count
}

fn inverted(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| !byte).collect()
}

/// A key that stands in no other place of this program.
fn fresh_key() -> Zeroizing<String> {
    let seed = u64::from(std::process::id());
    let mut key = Zeroizing::new(String::with_capacity(99));
    key.push_str("x'");
    for byte in noise(seed << 8 | 1, 48) {
        key.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
        key.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
    }
    key.push('\'');
    key
}

#[test]
fn after_closing_neither_the_key_nor_a_secret_is_left_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let key = fresh_key();
    let secret = Zeroizing::new(noise(u64::from(std::process::id()) << 8 | 2, 64));
    // Only part of each: allocators write over the beginning of what is freed.
    let (key_needle, secret_needle) = (inverted(&key.as_bytes()[40..80]), inverted(&secret[20..52]));
    let vault = Vault::create(dir.path(), &key).unwrap();
    vault
        .write({
            let secret = secret.clone();
            move |tx| {
                tx.put_secret("seed", &secret)?;
                let key =
                    ContentKeyRow { key: Zeroizing::new(secret[20..52].to_vec()), ..content_key(1, true) };
                tx.put_content_key(&log(1), &key)
            }
        })
        .unwrap();
    for _ in 0..3 {
        vault
            .read(|read| {
                assert!(*read.secret("seed")?.unwrap() == *secret);
                assert_eq!(read.content_keys(&log(1))?.len(), 1);
                Ok(())
            })
            .unwrap();
    }
    vault.suspend().unwrap();
    vault.resume().unwrap();
    assert!(
        occurrences(&key_needle) > 0 && occurrences(&secret_needle) > 0,
        "the search finds what is there"
    );
    vault.close().unwrap();
    drop((key, secret));
    assert_eq!((occurrences(&key_needle), occurrences(&secret_needle)), (0, 0), "(keys, secrets)");
}
