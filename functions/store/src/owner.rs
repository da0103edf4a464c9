//! What an endpoint's owner may do besides reading.
//!
//! Each change is one write on the head, conditional on the head it was made for: a copy of the write that arrives late,
//! after a newer change, does nothing.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use delivery::{
    endpoint_info::SetReply,
    key::Endpoint,
    limits::Limits,
    millis::Millis,
    reply::Reply,
    settings::{Change, Settings},
};

use crate::{
    Error, MAX_ATTEMPTS, Store,
    connection::answered,
    head_key, item,
    item::{ENDPOINT, EXPIRES_AT, Item, SEQ, n, s},
    protocol::{self, Head, ReplyWindow, UNTIL_CHANGED},
};

/// How long a replaced reply is kept for deliveries that are already numbered, in seconds.
const REPLACED_REPLY_TTL_S: u64 = 60 * 60;

/// An endpoint as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// By the clock of the API that created it.
    pub created_at: Millis,
    /// Unless a delivery or its owner extends it.
    pub expires_at: Millis,
    /// The lowest number that its log may still hold.
    pub first_seq: u64,
    /// The highest number given; 0 before the first.
    pub last_seq: u64,
    /// The reply that the owner set, unless it is used up.
    pub reply: Option<SetReply>,
    /// Requests that were refused because the endpoint's units were used up; at least so many.
    pub refused: u64,
    pub settings: Settings,
}

/// When a reply expires unless it is extended: two endpoint lifetimes after its endpoint's interval, so never before it.
fn reply_expires_at_s(head: &Head, now: Millis, limits: &Limits) -> u64 {
    let from = now.max(head.interval_end).plus_ms(protocol::interval_ms(limits));
    from.plus_s(limits.endpoint_ttl_s.saturating_mul(2)).epoch_s_ceil()
}

pub(crate) fn reply_key(endpoint: &Endpoint, key: u64) -> Item {
    HashMap::from([(ENDPOINT.into(), s(endpoint.as_str())), (SEQ.into(), n(format!("-{key}")))])
}

impl Store {
    /// Creates the endpoint, or extends its time to live if it exists. `epoch` is random; it becomes the new endpoint's.
    ///
    /// # Errors
    /// If the table is not available.
    pub async fn create(
        &self,
        endpoint: &Endpoint,
        now: Millis,
        epoch: u64,
        limits: &Limits,
    ) -> Result<(), Error> {
        let new = Head::new(epoch, now, limits);
        for _ in 0..MAX_ATTEMPTS {
            let known = self.head(endpoint, true).await?;
            let tried = match known {
                Some(head) if !head.is_forgotten() => {
                    if new.expires_at_s <= head.expires_at_s {
                        return Ok(());
                    }
                    // The reply first: the endpoint must not outlive it.
                    self.extend_reply_ttl(endpoint, &head, now, limits).await?;
                    self.update_at(head_key(endpoint), |update| {
                        update
                            .update_expression("SET expires_at = :expires")
                            .condition_expression("epoch = :epoch AND expires_at = :known")
                            .expression_attribute_values(":expires", n(new.expires_at_s))
                            .expression_attribute_values(":known", n(head.expires_at_s))
                            .expression_attribute_values(":epoch", n(head.epoch))
                    })
                    .await
                    .map(drop)
                }
                known => {
                    let mut put = self
                        .client
                        .put_item()
                        .table_name(&self.table)
                        .set_item(Some(item::from_head(endpoint, &new)));
                    put = match known {
                        None => put.condition_expression("attribute_not_exists(epoch)"),
                        Some(forgotten) => put
                            .condition_expression("epoch = :epoch AND expires_at = :known")
                            .expression_attribute_values(":epoch", n(forgotten.epoch))
                            .expression_attribute_values(":known", n(forgotten.expires_at_s)),
                    };
                    answered(put.send()).await.map(drop)
                }
            };
            match tried {
                Err(Error::ConditionFailed) => {}
                done => return done,
            }
        }
        Err(Error::too_many_conflicts())
    }

    /// The endpoint's state.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none.
    pub async fn state(
        &self,
        endpoint: &Endpoint,
        now: Millis,
        limits: &Limits,
    ) -> Result<State, Error> {
        let head = self.load_active_head(endpoint).await?;
        let next = head.last_seq.saturating_add(1);
        let set = match head.reply.uses.contains(next.max(head.reply.uses.from)) {
            true => self.load_reply(endpoint, head.reply.key).await?,
            false => None,
        };
        Ok(State {
            created_at: head.created_at,
            expires_at: Millis(head.expires_at_s.saturating_mul(1000)),
            first_seq: protocol::first_seq(&head, limits, now),
            last_seq: head.last_seq,
            refused: head.refused,
            settings: head.access.settings(head.last_seq),
            reply: set.map(|reply| SetReply::new(reply, head.reply.uses.times_left(head.last_seq))),
        })
    }

    /// Hides every number given so far. What is numbered from here on is shown.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such endpoint.
    pub async fn clear(&self, endpoint: &Endpoint) -> Result<(), Error> {
        for _ in 0..MAX_ATTEMPTS {
            let head = self.load_active_head(endpoint).await?;
            if head.cleared_to >= head.last_seq {
                return Ok(());
            }
            let cleared = self
                .update_at(head_key(endpoint), |update| {
                    update
                        .update_expression("SET cleared_to = :to")
                        .condition_expression("epoch = :epoch AND cleared_to < :to")
                        .expression_attribute_values(":to", n(head.last_seq))
                        .expression_attribute_values(":epoch", n(head.epoch))
                })
                .await;
            match cleared {
                // Another call cleared or forgot meanwhile: read the head again.
                Err(Error::ConditionFailed) => {}
                done => return done.map(drop),
            }
        }
        Err(Error::too_many_conflicts())
    }

    /// Makes the endpoint unreadable at once. DynamoDB deletes its items when their time to live is over.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such endpoint.
    pub async fn forget(&self, endpoint: &Endpoint, now: Millis) -> Result<(), Error> {
        let head = self.load_active_head(endpoint).await?;
        // Not deleted: without a head, a late copy of the write that created this one would create it again, and its log
        // with it. What remains has another epoch than the one that writes under way refer to, and no interval in which
        // a number is given.
        let forgotten = self
            .update_at(head_key(endpoint), |update| {
                update
                    .update_expression(
                        "SET epoch = :buried, expires_at = :long_ago, mark_at = :never REMOVE expect",
                    )
                    .condition_expression("epoch = :epoch")
                    .expression_attribute_values(":buried", n(!head.epoch))
                    .expression_attribute_values(":never", n(0))
                    .expression_attribute_values(
                        ":long_ago",
                        n(protocol::tombstone_expires_at_s(now)),
                    )
                    .expression_attribute_values(":epoch", n(head.epoch))
            })
            .await;
        match forgotten {
            // Forgotten already, perhaps by an earlier attempt of this very call.
            Ok(_) | Err(Error::ConditionFailed) => {}
            Err(error) => return Err(error),
        }
        self.expire_reply(endpoint, &head, &head.reply, now).await;
        Ok(())
    }

    /// Sets what the receiver answers, from the next number on. `key` is random.
    ///
    /// The reply is put under a new key, and then one write points the head to it, on condition that the head still has the
    /// reply that it replaces: of two concurrent calls the later one wins, and a late copy of the earlier one's write
    /// changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such endpoint.
    pub async fn set_reply(
        &self,
        endpoint: &Endpoint,
        reply: &Reply,
        key: u64,
        now: Millis,
        limits: &Limits,
    ) -> Result<(), Error> {
        let mut head = self.load_active_head(endpoint).await?;
        let mut item: Item = reply_key(endpoint, key);
        let text = serde_json::to_string(reply).expect("a reply is JSON");
        item.insert("reply".into(), s(text));
        item.insert(EXPIRES_AT.into(), n(reply_expires_at_s(&head, now, limits)));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        answered(put.send()).await?;
        let until = match reply.times {
            Some(_) => "last_seq + :times",
            None => ":times",
        };
        for _ in 0..MAX_ATTEMPTS {
            let is_new = format!(
                "SET reply_key = :key, reply_from = last_seq + :one, reply_until = {until}"
            );
            let times = reply.times.map_or(UNTIL_CHANGED, u64::from);
            let replaced = self
                .update_at(head_key(endpoint), |update| {
                    update
                        .update_expression(is_new)
                        .condition_expression("epoch = :epoch AND reply_key = :replaced")
                        .expression_attribute_values(":key", n(key))
                        .expression_attribute_values(":one", n(1))
                        .expression_attribute_values(":times", n(times))
                        .expression_attribute_values(":epoch", n(head.epoch))
                        .expression_attribute_values(":replaced", n(head.reply.key))
                })
                .await;
            match replaced {
                Ok(_) => {
                    self.expire_reply(endpoint, &head, &head.reply, now).await;
                    return Ok(());
                }
                Err(Error::ConditionFailed) => {
                    let previous = head.reply;
                    head = self.load_active_head(endpoint).await?;
                    if head.reply.key == key {
                        // An earlier attempt of this very write succeeded, and its response was lost.
                        self.expire_reply(endpoint, &head, &previous, now).await;
                        return Ok(());
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::too_many_conflicts())
    }

    /// Restores the default reply, from the next number on.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such endpoint.
    pub async fn clear_reply(&self, endpoint: &Endpoint, now: Millis) -> Result<(), Error> {
        let head = self.load_active_head(endpoint).await?;
        if head.reply.uses.until == 0 {
            return Ok(());
        }
        let restored = self
            .update_at(head_key(endpoint), |update| {
                update
                    // The key stays: for a late copy of the write that set it, the head must not look as it did before.
                    .update_expression("SET reply_until = :none")
                    .condition_expression("epoch = :epoch AND reply_key = :key")
                    .expression_attribute_values(":none", n(0))
                    .expression_attribute_values(":epoch", n(head.epoch))
                    .expression_attribute_values(":key", n(head.reply.key))
            })
            .await;
        match restored {
            Ok(_) => {
                self.expire_reply(endpoint, &head, &head.reply, now).await;
                Ok(())
            }
            // Another reply was set meanwhile; it wins.
            Err(Error::ConditionFailed) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Changes who may call, from the next number on. `key` is random. Gives back the settings as they are then.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such endpoint.
    pub async fn change_settings(
        &self,
        endpoint: &Endpoint,
        change: &Change,
        key: u64,
    ) -> Result<Settings, Error> {
        for _ in 0..MAX_ATTEMPTS {
            let head = self.load_active_head(endpoint).await?;
            if head.access.key == key {
                // An earlier attempt of this very write succeeded, and its response was lost.
                return Ok(head.access.settings(head.last_seq));
            }
            let expect = match change.expect {
                None => "",
                Some(None) => " REMOVE expect",
                Some(Some(_)) => {
                    ", expect = :expect, expect_scheme = :scheme, \
                     refuse_from = last_seq + :one, refuse_until = last_seq + :refuse"
                }
            };
            let cors = change.cors.unwrap_or(head.access.cors);
            let changed = self
                .update_at(head_key(endpoint), |update| {
                    let update = update
                        .update_expression(format!("SET settings_key = :key, cors = :cors{expect}"))
                        .condition_expression(
                            "epoch = :epoch AND (attribute_not_exists(settings_key) OR settings_key = :was)",
                        )
                        .expression_attribute_values(":key", n(key))
                        .expression_attribute_values(":was", n(head.access.key))
                        .expression_attribute_values(":epoch", n(head.epoch))
                        .expression_attribute_values(":cors", AttributeValue::Bool(cors))
                        .return_values(ReturnValue::AllNew);
                    match change.expect.flatten() {
                        None => update,
                        Some((expected, refuse)) => update
                            .expression_attribute_values(":expect", item::digest(&expected))
                            .expression_attribute_values(":scheme", s(expected.scheme.as_str()))
                            .expression_attribute_values(":one", n(1))
                            .expression_attribute_values(":refuse", n(refuse)),
                    }
                })
                .await;
            match changed {
                Ok(out) => {
                    let head = self.head_in(&out.attributes.unwrap_or_default())?;
                    return Ok(head.access.settings(head.last_seq));
                }
                // Another change came first: this one is made on top of it.
                Err(Error::ConditionFailed) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::too_many_conflicts())
    }

    /// Extends the time to live of the reply that the next delivery gets, so that it never expires before its endpoint.
    pub(crate) async fn extend_reply_ttl(
        &self,
        endpoint: &Endpoint,
        head: &Head,
        now: Millis,
        limits: &Limits,
    ) -> Result<(), Error> {
        if !head.reply.uses.contains(head.last_seq.saturating_add(1)) {
            return Ok(());
        }
        let expires = reply_expires_at_s(head, now, limits);
        self.set_reply_expiry(endpoint, head.reply.key, expires).await
    }

    /// Lets a replaced reply expire soon. A failure is harmless: it expires anyway, later.
    async fn expire_reply(
        &self,
        endpoint: &Endpoint,
        head: &Head,
        replaced: &ReplyWindow,
        now: Millis,
    ) {
        if replaced.key != 0 {
            let now = now.max(head.interval_end);
            let expires = now.plus_s(REPLACED_REPLY_TTL_S).epoch_s_ceil();
            let _ = self.set_reply_expiry(endpoint, replaced.key, expires).await;
        }
    }

    async fn set_reply_expiry(
        &self,
        endpoint: &Endpoint,
        key: u64,
        at_s: u64,
    ) -> Result<(), Error> {
        let ended = self
            .update_at(reply_key(endpoint, key), |update| {
                update
                    .update_expression("SET expires_at = :expires")
                    .condition_expression("attribute_exists(reply)")
                    .expression_attribute_values(":expires", n(at_s))
            })
            .await;
        match ended {
            Ok(_) | Err(Error::ConditionFailed) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The head of an endpoint that exists and was not forgotten, read consistently.
    pub(crate) async fn load_active_head(&self, endpoint: &Endpoint) -> Result<Head, Error> {
        let found = self.head(endpoint, true).await?;
        found.filter(|head| !head.is_forgotten()).ok_or(Error::NotFound)
    }
}
