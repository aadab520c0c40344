#![allow(clippy::unwrap_used)]
use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use super::*;

/// Longest wait for what comes at once on a machine that is not loaded.
const LONG: Duration = Duration::from_secs(60);

fn note() -> Note {
    Box::new(|lost| format!("lost {lost}\n").into_bytes())
}

/// A line of 1 kB with its number.
fn line(number: usize) -> String {
    format!("{number:0>1023}\n")
}

#[test]
fn lines_come_out_as_they_went_in() {
    let (mut reader, writer) = UnixStream::pair().unwrap();
    let mut spool = Spool::start(writer, note()).unwrap();
    spool.write_all(b"one\n").unwrap();
    spool.push(b"two\nthree\n");
    let mut read = [0; 14];
    reader.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"one\ntwo\nthree\n");
    assert_eq!(spool.lost(), 0);
}

#[test]
fn a_pipe_that_nobody_reads_stops_nobody_and_tells_what_it_lost() {
    let (mut reader, writer) = UnixStream::pair().unwrap();
    let spool = Spool::start(writer, note()).unwrap();
    // Three times what has room: had a push waited for the reader, this would never end.
    let pushed = 3 * WAITING_MAX / 1024;
    (0..pushed).for_each(|number| spool.push(line(number).as_bytes()));
    let lost = spool.lost();
    assert!(lost > 0);
    spool.flush(Duration::from_millis(1));
    let reading = std::thread::spawn(move || {
        let (mut text, mut chunk) = (String::new(), vec![0; 1 << 16]);
        while !text.ends_with("the end\n") {
            let read = reader.read(&mut chunk).unwrap();
            text.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
        }
        text
    });
    // The spool is empty once the reader has caught up.
    spool.flush(LONG);
    spool.push(b"the end\n");
    let text = reading.join().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let kept = lines.iter().filter(|line| line.starts_with('0')).count();
    assert_eq!(kept as u64 + lost, pushed as u64, "each line is written or counted");
    let told: u64 = lines.iter().filter_map(|line| line.strip_prefix("lost ")).map(parse).sum();
    assert_eq!((told, spool.lost()), (lost, lost));
}

fn parse(number: &str) -> u64 {
    number.parse().unwrap()
}

/// A disk that is full until there is room, and that takes half of the first write.
struct Disk {
    room: Arc<AtomicBool>,
    half: bool,
    to: UnixStream,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.half) {
            return self.to.write(&bytes[..bytes.len() / 2]);
        }
        match self.room.load(SeqCst) {
            true => self.to.write(bytes),
            false => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_write_that_fails_is_counted_and_told_when_it_works_again() {
    let (mut reader, to) = UnixStream::pair().unwrap();
    let room = Arc::<AtomicBool>::default();
    let disk = Disk { room: Arc::clone(&room), half: true, to };
    let spool = Spool::start(disk, note()).unwrap();
    spool.push(b"abcdefg\n");
    spool.flush(LONG);
    spool.push(b"two\nthree\n");
    spool.flush(LONG);
    assert_eq!(spool.lost(), 3);
    room.store(true, SeqCst);
    spool.push(b"four\n");
    let expected = b"abcd\nlost 3\nfour\n";
    let mut read = vec![0; expected.len()];
    reader.read_exact(&mut read).unwrap();
    assert_eq!(read, expected, "{}", String::from_utf8_lossy(&read));
}

#[test]
fn a_closed_pipe_and_a_flush_with_a_deadline_end() {
    let (reader, writer) = UnixStream::pair().unwrap();
    drop(reader);
    let spool = Spool::start(writer, note()).unwrap();
    spool.push(b"to nobody\n");
    spool.flush(LONG);
    assert_eq!(spool.lost(), 1);
    // Nobody reads here: the flush gives up.
    let (_reader, writer) = UnixStream::pair().unwrap();
    let spool = Spool::start(writer, note()).unwrap();
    (0..2_000).for_each(|number| spool.push(line(number).as_bytes()));
    spool.flush(Duration::from_millis(20));
}
