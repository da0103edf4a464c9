//! Deliveries in DynamoDB: the only crate that names its SDK.
//!
//! - [`protocol`]: the rules, pure; read these first
//! - this file: [`Store`], and what a receiver does: number, then record
//! - [`read`]: what a poll does; [`owner`]: create, clear, forget, set a reply
//! - [`item`] and [`table`]: how it lies there; [`connection`]: how patient we are

pub mod connection;
pub mod error;
pub mod item;
pub mod owner;
pub mod protocol;
pub mod read;
pub mod table;

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::{UpdateItemOutput, builders::UpdateItemFluentBuilder},
    types::ReturnValue,
};
use delivery::{Delivery, ReplyUse, key::Endpoint, limits::Limits, millis::Millis, reply::Reply};

pub use crate::{connection::Connection, error::Error, protocol::ReadRequest};
use crate::{
    connection::answered,
    item::{ENDPOINT, EXPIRES_AT, Item, NONCE, SEQ, n, s},
    protocol::{Head, ReplyWindow},
};

/// How often a write on the head is tried, each time on what somebody else has made of it in between.
const TRIES: usize = 5;

/// One table.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    table: String,
}

/// A number that a receiver was given, and what goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// The number.
    pub seq: u64,
    /// The number line it is on.
    pub epoch: u64,
    /// The numbers that a set reply answers.
    pub reply: ReplyWindow,
}

impl Store {
    /// A store. Nothing is connected before its first call.
    pub fn connect(connection: &Connection) -> Self {
        Store {
            client: connection.client(),
            table: connection.table.clone(),
        }
    }

    /// Makes the connection now, so that the first delivery finds it made: reads an item that is never there, which costs
    /// half a read unit.
    ///
    /// # Errors
    /// If the table does not answer in a moment. That is no reason not to start: each later call tries for itself.
    pub async fn reach(&self) -> Result<(), Error> {
        let nothing = HashMap::from([(ENDPOINT.into(), s("-")), (SEQ.into(), n(0))]);
        let read = self.get_at(nothing, false);
        connection::with_timeout(connection::REACHED_WITHIN, read)
            .await
            .map(drop)
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

    /// An update of the item under a key; `say` is what is changed, and on which condition.
    async fn update_at(
        &self,
        key: Item,
        say: impl FnOnce(UpdateItemFluentBuilder) -> UpdateItemFluentBuilder,
    ) -> Result<UpdateItemOutput, Error> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key));
        answered(say(update).send()).await
    }

    /// Takes the next number of an endpoint, and lets it live on.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it was never created, is expired or forgotten. A number may have been taken even so when the
    /// answer was lost; readers name it as missing.
    pub async fn number(
        &self,
        endpoint: &Endpoint,
        now: Millis,
        limits: &Limits,
    ) -> Result<Numbered, Error> {
        connection::with_timeout(
            connection::OPERATION_WITHIN,
            self.take_number(endpoint, now, limits),
        )
        .await
    }

    async fn take_number(
        &self,
        endpoint: &Endpoint,
        now: Millis,
        limits: &Limits,
    ) -> Result<Numbered, Error> {
        let gone = now.plus_s(limits.delivery_ttl_s).0;
        let expires = now.plus_s(limits.endpoint_ttl_s).epoch_s_ceil();
        let counted = "ADD last_seq :one \
                       SET last_at = :now, gone_at = :gone, expires_at = :expires";
        for _ in 0..TRIES {
            let taken = self
                .update_at(head_key(endpoint), |update| {
                    update
                        .update_expression(counted)
                        .condition_expression("expires_at > :now_s AND mark_at > :now")
                        .expression_attribute_values(":one", n(1))
                        .expression_attribute_values(":now", n(now.0))
                        .expression_attribute_values(":now_s", n(now.0 / 1000))
                        .expression_attribute_values(":gone", n(gone))
                        .expression_attribute_values(":expires", n(expires))
                        .return_values(ReturnValue::AllNew)
                })
                .await;
            match taken {
                Ok(out) => {
                    let (head, _) = self.head_in(&out.attributes.unwrap_or_default())?;
                    return Ok(Numbered {
                        seq: head.last_seq,
                        epoch: head.epoch,
                        reply: head.reply,
                    });
                }
                Err(Error::ConditionFailed) => self.mark(endpoint, now, limits).await?,
                Err(error) => return Err(error),
            }
        }
        Err(Error::contended())
    }

    /// Writes down when the numbers given so far are gone, before a new one covers that up.
    async fn mark(&self, endpoint: &Endpoint, now: Millis, limits: &Limits) -> Result<(), Error> {
        let (head, mark_at) = self.head(endpoint, true).await?.ok_or(Error::NotFound)?;
        if head.expired(now) {
            return Err(Error::NotFound);
        }
        if mark_at > now {
            return Ok(());
        }
        let marked = self
            .update_at(head_key(endpoint), |update| {
                update
                    .update_expression("SET marks = :marks, mark_at = :next")
                    .condition_expression("epoch = :epoch AND last_seq = :last AND mark_at = :due")
                    .expression_attribute_values(
                        ":marks",
                        item::marks(&protocol::marked(&head, now)),
                    )
                    .expression_attribute_values(
                        ":next",
                        n(now.plus_ms(protocol::mark_every_ms(limits)).0),
                    )
                    .expression_attribute_values(":epoch", n(head.epoch))
                    .expression_attribute_values(":last", n(head.last_seq))
                    .expression_attribute_values(":due", n(mark_at.0))
            })
            .await;
        match marked {
            // A head in use is marked this often, so this is also where its reply is kept from expiring.
            Ok(_) => self.keep_reply(endpoint, &head, now, limits).await,
            // Somebody else marked it, or the number line is another by now: look again.
            Err(Error::ConditionFailed) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The reply that is set for a numbered delivery, and which use of it this is.
    ///
    /// # Errors
    /// If it can't be read. A set reply that is not there (its time to live was over) is none.
    pub async fn reply_for(
        &self,
        endpoint: &Endpoint,
        numbered: &Numbered,
    ) -> Result<Option<(Reply, Option<ReplyUse>)>, Error> {
        if !numbered.reply.holds(numbered.seq) {
            return Ok(None);
        }
        let reply = self.set_reply_at(endpoint, numbered.reply.key).await?;
        Ok(reply.map(|reply| (reply, numbered.reply.use_of(numbered.seq))))
    }

    async fn set_reply_at(&self, endpoint: &Endpoint, key: u64) -> Result<Option<Reply>, Error> {
        let found = self.get_at(owner::reply_key(endpoint, key), true).await?;
        let Some(item) = found else {
            return Ok(None);
        };
        let unreadable = || Error::Unreadable {
            seq: 0,
            attribute: "reply",
        };
        let text = item
            .get("reply")
            .and_then(|value| value.as_s().ok())
            .ok_or_else(unreadable)?;
        serde_json::from_str(text)
            .map(Some)
            .map_err(|_| unreadable())
    }

    /// Puts a delivery under its number. `nonce` is random for each delivery: if the put was made and its answer lost, the
    /// SDK's next attempt finds its own nonce there and succeeds.
    ///
    /// # Errors
    /// [`Error::Sealed`] if a reader gave the number up before. After any error the delivery counts as not received,
    /// though it may be in the log.
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
        let put = answered(
            self.client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(item::from_delivery(
                    partition, delivery, nonce, expires,
                )))
                .condition_expression("attribute_not_exists(#seq) OR #nonce = :nonce")
                .expression_attribute_names("#seq", SEQ)
                .expression_attribute_names("#nonce", NONCE)
                .expression_attribute_values(":nonce", n(nonce))
                .send(),
        )
        .await;
        match put {
            Ok(_) => Ok(()),
            Err(Error::ConditionFailed) => Err(Error::Sealed),
            Err(error) => Err(error),
        }
    }

    /// The head of an endpoint, expired or not, and when its next mark is due.
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

/// The name by which expressions call the attribute of the time to live; checked here, because they spell it out.
const _: () = assert!(matches!(EXPIRES_AT.as_bytes(), b"expires_at"));
