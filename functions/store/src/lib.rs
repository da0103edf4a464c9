//! Stores deliveries in DynamoDB. The only crate that names its SDK.
//!
//! - [`protocol`]: the rules, pure; read these first
//! - this file: [`Store`], and what a receiver does: number, then record
//! - [`read`]: what a poll does; [`owner`]: create, clear, forget, set a reply
//! - [`item`] and [`table`]: the items and the table; [`connection`]: timeouts; [`names`]: what an instance remembers
//!
//! The table has the partition key `endpoint` (S) and the sort key `seq` (N). Expiry is DynamoDB's time to live on
//! `expires_at`, in seconds since 1970; other times are milliseconds.
//!
//! | item | `endpoint` | `seq` | attributes |
//! | --- | --- | --- | --- |
//! | head | `NAME` | 0 | `epoch`, `created_at`, `last_seq`, `last_at`, `gone_at`, `cleared_to`, `marks` (watermarks: a list of `seq`, `gone_at`, …), `mark_at` (when the next one is due), `reply_key`, `reply_from`, `reply_until`, `expires_at` |
//! | reply | `NAME` | minus its key | `reply` (JSON), `expires_at` |
//! | delivery | `NAME#EPOCH` | its number | `nonce`, `received_at`, `took_ms`, `method`, `path`, `query`, `source`, `headers` (a list of name, value, …; numbers for common ones), `added` (a bit for each header), `body` (S if UTF-8, else B), `body_size` and `body_sha256` (if it was cut), `status`, `reply_headers`, `reply_body`, `delay_ms`, `reply_use`, `reply_uses`, `expires_at` |
//! | tombstone | `NAME#EPOCH` | its number | `tombstone`, `expires_at` |
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
//! let numbered = store.number(&endpoint, now, &limits).await?;
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
pub mod table;

use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::{UpdateItemOutput, builders::UpdateItemFluentBuilder},
    types::ReturnValue,
};
use delivery::{Delivery, ReplyUse, key::Endpoint, limits::Limits, millis::Millis, reply::Reply};
use tokio::time::{Instant, sleep};

pub use crate::{connection::Connection, error::Error, protocol::ReadRequest};
use crate::{
    connection::answered,
    item::{ENDPOINT, EXPIRES_AT, Item, NONCE, SEQ, n, s},
    names::Names,
    protocol::{Head, ReplyWindow, Write},
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

    /// Takes the next number of an endpoint and extends the endpoint's time to live.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it was never created, is expired or forgotten. After other errors a number may have been taken
    /// all the same; readers will report it as missing.
    pub async fn number(
        &self,
        endpoint: &Endpoint,
        now: Millis,
        limits: &Limits,
    ) -> Result<Numbered, Error> {
        let taken = self.take_number(endpoint, now, limits);
        let taken = connection::with_timeout(connection::NUMBER_WITHIN, taken).await;
        match taken {
            Ok(_) => self.names().insert(endpoint),
            Err(Error::NotFound) => self.names().remove(endpoint),
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
        now: Millis,
        limits: &Limits,
    ) -> Result<Numbered, Error> {
        let is_known = self.names().contains(endpoint);
        // Consistently, or an endpoint that was just created would be refused.
        if !is_known && self.head(endpoint, true).await?.is_none() {
            return Err(Error::NotFound);
        }
        let gone = now.plus_s(limits.delivery_ttl_s).0;
        let expires = now.plus_s(limits.endpoint_ttl_s).epoch_s_ceil();
        let counted = "ADD last_seq :one \
                       SET last_at = :now, gone_at = :gone, expires_at = :expires";
        for _ in 0..MAX_ATTEMPTS {
            let update = self
                .once
                .update_item()
                .table_name(&self.table)
                .set_key(Some(head_key(endpoint)))
                .update_expression(counted)
                .condition_expression("expires_at > :now_s AND mark_at > :now")
                .expression_attribute_values(":one", n(1))
                .expression_attribute_values(":now", n(now.0))
                .expression_attribute_values(":now_s", n(now.0 / 1000))
                .expression_attribute_values(":gone", n(gone))
                .expression_attribute_values(":expires", n(expires))
                .return_values(ReturnValue::AllNew);
            let update = || answered(update.clone().send());
            let taken = Self::insist(Write::Number, now.0, update).await;
            match taken {
                Ok(out) => {
                    let (head, _) = self.head_in(&out.attributes.unwrap_or_default())?;
                    return Ok(Numbered {
                        seq: head.last_seq,
                        epoch: head.epoch,
                        reply: head.reply,
                    });
                }
                Err(Error::ConditionFailed) => self.add_watermark(endpoint, now, limits).await?,
                Err(error) => return Err(error),
            }
        }
        Err(Error::too_many_conflicts())
    }

    /// Adds a watermark for the last number before the next one overwrites its time, if one is due.
    async fn add_watermark(
        &self,
        endpoint: &Endpoint,
        now: Millis,
        limits: &Limits,
    ) -> Result<(), Error> {
        let (head, next_watermark_at) = self.head(endpoint, true).await?.ok_or(Error::NotFound)?;
        if head.expired(now) {
            return Err(Error::NotFound);
        }
        if next_watermark_at > now {
            return Ok(());
        }
        let added = self
            .update_at(head_key(endpoint), |update| {
                update
                    .update_expression("SET marks = :watermarks, mark_at = :next")
                    .condition_expression("epoch = :epoch AND last_seq = :last AND mark_at = :due")
                    .expression_attribute_values(
                        ":watermarks",
                        item::watermarks(&protocol::next_watermarks(&head, now)),
                    )
                    .expression_attribute_values(
                        ":next",
                        n(now.plus_ms(protocol::watermark_interval_ms(limits)).0),
                    )
                    .expression_attribute_values(":epoch", n(head.epoch))
                    .expression_attribute_values(":last", n(head.last_seq))
                    .expression_attribute_values(":due", n(next_watermark_at.0))
            })
            .await;
        match added {
            // A head in use comes here regularly, so this is also where its reply is kept from expiring.
            Ok(_) => self.extend_reply_ttl(endpoint, &head, now, limits).await,
            // Another writer added it, or the endpoint was forgotten meanwhile: read the head again.
            Err(Error::ConditionFailed) => Ok(()),
            Err(error) => Err(error),
        }
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
        if !numbered.reply.contains(numbered.seq) {
            return Ok(None);
        }
        let reply = self.load_reply(endpoint, numbered.reply.key);
        let reply = connection::with_timeout(connection::NUMBER_WITHIN, reply).await?;
        Ok(reply.map(|reply| (reply, numbered.reply.use_of(numbered.seq))))
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
        let expires = protocol::expires_at_s(delivery.received_at, limits);
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

    /// The head of an endpoint, expired or not, and when its next watermark is due.
    async fn head(
        &self,
        endpoint: &Endpoint,
        consistent: bool,
    ) -> Result<Option<(Head, Millis)>, Error> {
        let found = self.get_at(head_key(endpoint), consistent).await?;
        found.map(|item| self.head_in(&item)).transpose()
    }

    fn head_in(&self, item: &Item) -> Result<(Head, Millis), Error> {
        item::to_head(item).map_err(|attribute| Error::Unreadable { seq: 0, attribute })
    }
}

fn head_key(endpoint: &Endpoint) -> Item {
    HashMap::from([(ENDPOINT.into(), s(endpoint.as_str())), (SEQ.into(), n(0))])
}

// The expressions above spell out this attribute's name.
const _: () = assert!(matches!(EXPIRES_AT.as_bytes(), b"expires_at"));
