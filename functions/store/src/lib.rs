//! Stores deliveries in DynamoDB. The only crate that names its SDK.
//!
//! - [`protocol`]: the rules, pure; read these first
//! - this file: [`Store`], and what a receiver does: number, then record
//! - [`read`]: what a poll does; [`owner`]: create, clear, forget, set a reply; [`sweep`]: the local home's time to live
//! - [`item`] and [`table`]: the items and the table; [`connection`]: timeouts; [`names`]: what an instance remembers
//!
//! The table has the partition key `endpoint` (S) and the sort key `seq` (N). Expiry is DynamoDB's time to live on
//! `expires_at`, in seconds since 1970; other times are milliseconds.
//!
//! | item | `endpoint` | `seq` | attributes |
//! | --- | --- | --- | --- |
//! | head | `NAME` | 0 | `epoch`, `created_at`, `last_seq`, `last_at`, `cleared_to`, `deleted_to`, `marks` (watermarks: a list of `seq`, `gone_at`, …), `mark_at` (the interval's end), `used`, `used_from`, `refused`, `reply_key`, `reply_from`, `reply_until`, `settings_key` and `cors` (if they were ever set), `expect` (the digest of a credential), `expect_scheme`, `refuse_from` and `refuse_until` (if one is expected), `expires_at` |
//! | reply | `NAME` | minus its key | `reply` (JSON), `expires_at` |
//! | delivery | `NAME#EPOCH` | its number | `nonce`, `received_at`, `took_ms`, `verified` (if a credential was expected), `method`, `path`, `raw_path` (if it is another), `query`, `source`, `headers` (a list of name, value, …; numbers for common ones), `added` (a bit for each header), `body` (S if UTF-8, else B), `body_size` and `body_sha256` (if it was cut), `status`, `reply_headers`, `reply_body`, `delay_ms`, `reply_use`, `reply_uses`, `unfilled` (if so), `expires_at` |
//! | tombstone | `NAME#EPOCH` | its number | `tombstone`, `gone` (if there may have been a delivery), `expires_at` |
//!
//! The epoch in a log's partition puts a forgotten log out of reach in one write.
//!
//! ```no_run
//! use delivery::{key::OwnerKey, limits::Limits, millis::Millis};
//! use store::{Connection, ReadRequest, Store, table};
//!
//! # async fn example() -> Result<(), store::Error> {
//! let store = Store::connect(&Connection::to_engine("http://127.0.0.1:8000", "webhook-tutorial"));
//! table::create_if_absent(&store).await?;
//! let endpoint = OwnerKey::from_bytes(&[7; 32]).share_key().endpoint();
//! let (now, limits) = (Millis(1_795_431_600_000), Limits::default());
//! store.create(&endpoint, now, 0x5eed, &limits).await?;
//! let numbered = store.number(&endpoint, 2, now, &limits).await?;
//! assert_eq!(numbered.seq, 1);
//! let page = store.read(&endpoint, ReadRequest::First, 100, now, &limits).await?;
//! assert!(page.deliveries.is_empty(), "number 1 is not recorded yet");
//! # Ok(())
//! # }
//! ```

pub mod connection;
pub mod error;
pub mod item;
pub mod names;
pub mod owner;
pub mod protocol;
pub mod read;
pub mod sweep;
pub mod table;

use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::{
        UpdateItemError, UpdateItemOutput, builders::UpdateItemFluentBuilder,
    },
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure as ConditionFailed},
};
use delivery::{Delivery, ReplyUse, key::Endpoint, limits::Limits, millis::Millis, reply::Reply};
use tokio::time::{Instant, sleep};

pub use crate::{connection::Connection, error::Error, protocol::ReadRequest};
use crate::{
    connection::answered,
    item::{ENDPOINT, EXPIRES_AT, Item, NONCE, SEQ, n, s},
    names::Names,
    protocol::{Access, Head, Next, Renewal, ReplyWindow, Write},
};

/// Attempts of a conditional write on the head, each on the head as a concurrent writer left it.
const MAX_ATTEMPTS: usize = 5;

/// One table.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    /// For writes that are tried again by [`protocol::pause_before_retry`].
    once: Client,
    table: String,
    names: Arc<Mutex<Names>>,
}

/// A number that a receiver was given, with what it needs to record under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// From 1.
    pub seq: u64,
    /// Identifies the log (see [`Head::epoch`](protocol::Head)).
    pub epoch: u64,
    /// The numbers that get the reply that the owner set.
    pub reply: ReplyWindow,
    /// Who may call.
    pub access: Access,
    /// What the delivery's expiry follows from (see [`Head::interval_end`](protocol::Head)).
    pub interval_end: Millis,
}

impl Store {
    /// A store. It connects at its first call.
    pub fn connect(connection: &Connection) -> Self {
        let [client, once] = connection.clients();
        Store { client, once, table: connection.table.clone(), names: Arc::default() }
    }

    /// Connects now, so that the first delivery need not: reads an item that never exists, for half a read unit.
    ///
    /// # Errors
    /// If the table does not answer at once. A function starts all the same: each later call tries for itself.
    pub async fn warm_up(&self) -> Result<(), Error> {
        let nothing = HashMap::from([(ENDPOINT.into(), s("-")), (SEQ.into(), n(0))]);
        let read = self.get_at(nothing, false);
        connection::with_timeout(connection::CONNECT_AT_START_WITHIN, read).await.map(drop)
    }

    /// The item under a key.
    async fn get_at(&self, key: Item, consistent: bool) -> Result<Option<Item>, Error> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .consistent_read(consistent);
        answered(get.send()).await.map(|found| found.item)
    }

    /// Makes a write until it succeeds or its kind is not tried again. `seed` spreads those that fail at the same time.
    async fn insist<T, F: Future<Output = Result<T, Error>>>(
        write: Write,
        seed: u64,
        mut call: impl FnMut() -> F,
    ) -> Result<T, Error> {
        let began = Instant::now();
        let mut attempts = 0;
        loop {
            let error = match call().await {
                Err(error @ (Error::Throttled | Error::Unavailable(_))) => error,
                done => return done,
            };
            attempts += 1;
            let elapsed = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let random = BuildHasherDefault::<DefaultHasher>::default().hash_one((seed, attempts));
            let throttled = error == Error::Throttled;
            match protocol::pause_before_retry(write, throttled, attempts, elapsed, random) {
                Some(pause) => sleep(Duration::from_millis(pause)).await,
                None => return Err(error),
            }
        }
    }

    /// Updates the item under a key; `build` adds the expression and its condition.
    async fn update_at(
        &self,
        key: Item,
        build: impl FnOnce(UpdateItemFluentBuilder) -> UpdateItemFluentBuilder,
    ) -> Result<UpdateItemOutput, Error> {
        let update = self.client.update_item().table_name(&self.table).set_key(Some(key));
        answered(build(update).send()).await
    }

    /// Takes the next number of an endpoint, for a webhook that takes so many write units.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it was never created, is expired or forgotten; [`Error::UsedUp`] if it has used up its units.
    /// After other errors a number may have been taken all the same; readers will report it as missing.
    pub async fn number(
        &self,
        endpoint: &Endpoint,
        units: u64,
        now: Millis,
        limits: &Limits,
    ) -> Result<Numbered, Error> {
        let taken = self.take_number(endpoint, units, now, limits);
        let taken = connection::with_timeout(connection::NUMBER_WITHIN, taken).await;
        let mut names = self.names();
        match &taken {
            Ok(_) => names.counted(endpoint),
            Err(Error::NotFound) => names.remove(endpoint),
            Err(Error::UsedUp(refusal)) => names.refused(endpoint, *refusal),
            Err(_) => {}
        }
        taken
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take_number(
        &self,
        endpoint: &Endpoint,
        units: u64,
        now: Millis,
        limits: &Limits,
    ) -> Result<Numbered, Error> {
        let seen = self.names().get(endpoint);
        if let Some(seen) = seen.filter(|seen| seen.refusal.applies(now)) {
            return Err(Error::UsedUp(seen.refusal));
        }
        // Who knows nothing of an endpoint, or that it was used up, reads its head first: a write that fails costs a write
        // unit. Consistently, or an endpoint that was just created would be refused.
        let mut head = match seen {
            Some(seen) if seen.refused == 0 => None,
            _ => Some(self.head(endpoint, true).await?.ok_or(Error::NotFound)?),
        };
        let refused = seen.unwrap_or_default().refused;
        let counted = self
            .once
            .update_item()
            .table_name(&self.table)
            .set_key(Some(head_key(endpoint)))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":now", n(now.0))
            .expression_attribute_values(":refused", n(refused))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ConditionFailed::AllOld);
        let plain = counted
            .clone()
            .update_expression(
                "ADD last_seq :one, used :units, refused :refused SET last_at = :now",
            )
            .condition_expression(
                "mark_at > :now AND (attribute_not_exists(used) OR used < :quota)",
            )
            .expression_attribute_values(":units", n(units))
            .expression_attribute_values(":quota", n(protocol::quota(limits)));
        for _ in 0..MAX_ATTEMPTS {
            let write = match &head {
                None => plain.clone(),
                Some(head) => match protocol::next(head, units, now, limits) {
                    Next::NotFound => return Err(Error::NotFound),
                    Next::Refuse(refusal) => return Err(Error::UsedUp(refusal)),
                    Next::Plain => plain.clone(),
                    Next::Renew(renewal) => renewing(counted.clone(), head, &renewal),
                },
            };
            let update = || counted_head(write.clone());
            let before = match Self::insist(Write::Number, now.0, update).await? {
                Ok(item) => {
                    let head = self.head_in(&item)?;
                    if head.interval_end == now.plus_ms(protocol::interval_ms(limits)) {
                        // It was just renewed. Its reply must not expire before it.
                        self.extend_reply_ttl(endpoint, &head, now, limits).await?;
                    }
                    return Ok(Numbered {
                        seq: head.last_seq,
                        epoch: head.epoch,
                        reply: head.reply,
                        access: head.access,
                        interval_end: head.interval_end,
                    });
                }
                Err(Some(item)) => self.head_in(&item)?,
                // Not every engine gives it.
                Err(None) => self.head(endpoint, true).await?.ok_or(Error::NotFound)?,
            };
            head = Some(before);
        }
        Err(Error::too_many_conflicts())
    }

    /// The reply that the owner set for a numbered delivery, and which use of it this is.
    ///
    /// # Errors
    /// If it can't be read. An expired reply counts as not set.
    pub async fn reply_for(
        &self,
        endpoint: &Endpoint,
        numbered: &Numbered,
    ) -> Result<Option<(Reply, Option<ReplyUse>)>, Error> {
        if !numbered.reply.uses.contains(numbered.seq) {
            return Ok(None);
        }
        let reply = self.load_reply(endpoint, numbered.reply.key);
        let reply = connection::with_timeout(connection::NUMBER_WITHIN, reply).await?;
        Ok(reply.map(|reply| (reply, numbered.reply.uses.use_of(numbered.seq))))
    }

    async fn load_reply(&self, endpoint: &Endpoint, key: u64) -> Result<Option<Reply>, Error> {
        let found = self.get_at(owner::reply_key(endpoint, key), true).await?;
        let Some(item) = found else {
            return Ok(None);
        };
        let unreadable = || Error::Unreadable { seq: 0, attribute: "reply" };
        let text = item.get("reply").and_then(|value| value.as_s().ok()).ok_or_else(unreadable)?;
        serde_json::from_str(text).map(Some).map_err(|_| unreadable())
    }

    /// Gives back what a delivery's number took: the use of a counted reply, and a place among those that may be refused. Each
    /// window begins and ends one number later, if it is still as it was; else, or if the table does not answer, it is not
    /// tried again. So there are never more uses than were asked for, and if others are numbered at the same moment fewer.
    pub async fn return_uses(&self, endpoint: &Endpoint, numbered: &Numbered) {
        let windows = [("reply", numbered.reply.uses), ("refuse", numbered.access.refuse)];
        for (name, window) in windows {
            if window.use_of(numbered.seq).is_none() {
                continue;
            }
            let moved = self.update_at(head_key(endpoint), |update| {
                update
                    .update_expression(format!("SET {name}_from = :from, {name}_until = :until"))
                    .condition_expression(format!(
                        "epoch = :epoch AND {name}_from = :was_from AND {name}_until = :was_until"
                    ))
                    .expression_attribute_values(":epoch", n(numbered.epoch))
                    .expression_attribute_values(":was_from", n(window.from))
                    .expression_attribute_values(":was_until", n(window.until))
                    .expression_attribute_values(":from", n(window.from + 1))
                    .expression_attribute_values(":until", n(window.until + 1))
            });
            let _ = connection::with_timeout(connection::NUMBER_WITHIN, moved).await;
        }
    }

    /// Puts a delivery under its number. `nonce` is random for each delivery: if the put succeeded and its response was lost,
    /// the next attempt finds its own nonce there and succeeds too.
    ///
    /// # Errors
    /// [`Error::GapClosed`] if a reader closed the number before. After any error the delivery counts as not received, though
    /// it may be in the log.
    pub async fn record(
        &self,
        endpoint: &Endpoint,
        numbered: &Numbered,
        delivery: &Delivery,
        nonce: u64,
        limits: &Limits,
    ) -> Result<(), Error> {
        let partition = item::log_partition(endpoint, numbered.epoch);
        let expires = protocol::expires_at_s(numbered.interval_end, limits);
        let put = self
            .once
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item::from_delivery(partition, delivery, nonce, expires)))
            .condition_expression("attribute_not_exists(#seq) OR #nonce = :nonce")
            .expression_attribute_names("#seq", SEQ)
            .expression_attribute_names("#nonce", NONCE)
            .expression_attribute_values(":nonce", n(nonce));
        let put = || answered(put.clone().send());
        let put = Self::insist(Write::Record, nonce, put);
        let put = connection::with_timeout(connection::RECORD_WITHIN, put).await;
        match put {
            Ok(_) => Ok(()),
            Err(Error::ConditionFailed) => Err(Error::GapClosed),
            Err(error) => Err(error),
        }
    }

    /// The head of an endpoint, forgotten or not.
    async fn head(&self, endpoint: &Endpoint, consistent: bool) -> Result<Option<Head>, Error> {
        let found = self.get_at(head_key(endpoint), consistent).await?;
        found.map(|item| self.head_in(&item)).transpose()
    }

    fn head_in(&self, item: &Item) -> Result<Head, Error> {
        item::to_head(item).map_err(|attribute| Error::Unreadable { seq: 0, attribute })
    }
}

/// A number with a renewal, on condition that the head is still as it was.
fn renewing(
    counted: UpdateItemFluentBuilder,
    head: &Head,
    renewal: &Renewal,
) -> UpdateItemFluentBuilder {
    counted
        .update_expression(
            "ADD last_seq :one, refused :refused SET last_at = :now, marks = :marks, \
             mark_at = :end, deleted_to = :deleted, expires_at = :expires, \
             used = :used, used_from = :from",
        )
        .condition_expression(
            "epoch = :epoch AND last_seq = :last AND mark_at = :due \
             AND expires_at = :until \
             AND (attribute_not_exists(deleted_to) OR deleted_to = :was)",
        )
        .expression_attribute_values(":marks", item::watermarks(&renewal.watermarks))
        .expression_attribute_values(":end", n(renewal.interval_end.0))
        .expression_attribute_values(":deleted", n(renewal.deleted_to))
        .expression_attribute_values(":expires", n(renewal.expires_at_s))
        .expression_attribute_values(":used", n(renewal.used))
        .expression_attribute_values(":from", n(renewal.used_from.0))
        .expression_attribute_values(":epoch", n(head.epoch))
        .expression_attribute_values(":last", n(head.last_seq))
        .expression_attribute_values(":due", n(head.interval_end.0))
        .expression_attribute_values(":until", n(head.expires_at_s))
        .expression_attribute_values(":was", n(head.deleted_to))
}

/// The head as a write left it; or, if its condition failed, as it was.
async fn counted_head(
    update: UpdateItemFluentBuilder,
) -> Result<Result<Item, Option<Item>>, Error> {
    match update.send().await {
        Ok(out) => Ok(Ok(out.attributes.unwrap_or_default())),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Ok(Err(failed.item.clone()))
            }
            _ => Err(Error::from_sdk(error)),
        },
    }
}

fn head_key(endpoint: &Endpoint) -> Item {
    HashMap::from([(ENDPOINT.into(), s(endpoint.as_str())), (SEQ.into(), n(0))])
}

// The expressions above spell out this attribute's name.
const _: () = assert!(matches!(EXPIRES_AT.as_bytes(), b"expires_at"));
