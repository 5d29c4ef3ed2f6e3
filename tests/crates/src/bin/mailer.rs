//! The program of docs/from-log.md.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind};

use log::{debug, info, warn};

#[derive(Debug)]
struct Mail {
    id: u64,
    to: &'static str,
    tries: u32,
}

fn deliver(mail: &Mail) -> Result<u64, Error> {
    match (mail.id, mail.tries) {
        (2, 0) => Err(Error::new(ErrorKind::TimedOut, "the server does not answer")),
        _ => Ok(1200 + mail.id),
    }
}

fn work(mut queue: VecDeque<Mail>) {
    while let Some(mut mail) = queue.pop_front() {
        debug!("next: {mail:?}");
        match deliver(&mail) {
            Ok(bytes) => info!(id = mail.id, bytes; "delivered to {}", mail.to),
            Err(error) => {
                mail.tries += 1;
                warn!(id = mail.id, tries = mail.tries, error:err; "try again later");
                queue.push_back(mail);
            }
        }
    }
    info!("the queue is empty");
}

fn queue() -> VecDeque<Mail> {
    let to = ["ada@example.org", "bob@example.org", "cyd@example.org"];
    (1..).zip(to).map(|(id, to)| Mail { id, to, tries: 0 }).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _log =
        stenolog::Builder::new("mailer.steno").default_filter("info").capture_log().start()?;
    work(queue());
    Ok(())
}
