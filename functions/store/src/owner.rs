//! What an endpoint's owner may do besides reading.
//!
//! Each change is one write on the head, and says which head it means: a copy of it that arrives late, after the owner
//! has gone on, does nothing.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use delivery::{
    endpoint_info::SetReply, key::Endpoint, limits::Limits, millis::Millis, reply::Reply,
};

use crate::{
    Error, Store, TRIES, head_key, item,
    item::{ENDPOINT, EXPIRES_AT, Item, SEQ, n, s},
    mark_every_ms,
    protocol::{self, Head, ReplyWindow, UNTIL_CHANGED},
};

/// How long a reply that was replaced is kept for those who have just been numbered, in seconds.
const REPLACED_KEPT_S: u64 = 60 * 60;

/// An endpoint as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// When it was created.
    pub created_at: Millis,
    /// When it goes.
    pub expires_at: Millis,
    /// The lowest number that its log may still hold.
    pub first_seq: u64,
    /// The highest number given.
    pub last_seq: u64,
    /// The reply that is set, unless it is used up.
    pub reply: Option<SetReply>,
}

pub(crate) fn reply_key(endpoint: &Endpoint, key: u64) -> HashMap<String, AttributeValue> {
    HashMap::from([
        (ENDPOINT.into(), s(endpoint.as_str())),
        (SEQ.into(), n(format!("-{key}"))),
    ])
}

impl Store {
    /// Makes the endpoint if there is none, and lets it live on if there is. `epoch` is random; it names the number line,
    /// if one is begun.
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
        let expires_at_s = now.plus_s(limits.endpoint_ttl_s).epoch_s_ceil();
        for _ in 0..TRIES {
            let known = self.head(endpoint, true).await?;
            let tried = match known {
                Some((head, _)) if !head.expired(now) => self
                    .client
                    .update_item()
                    .table_name(&self.table)
                    .set_key(Some(head_key(endpoint)))
                    .update_expression("SET expires_at = :expires")
                    .condition_expression("epoch = :epoch")
                    .expression_attribute_values(":expires", n(expires_at_s))
                    .expression_attribute_values(":epoch", n(head.epoch))
                    .send()
                    .await
                    .map(drop)
                    .map_err(Error::from_sdk),
                known => {
                    let head = Head {
                        epoch,
                        created_at: now,
                        last_seq: 0,
                        last_at: now,
                        gone_at: now,
                        cleared_to: 0,
                        expires_at_s,
                        marks: vec![],
                        reply: ReplyWindow::default(),
                    };
                    let mark_at = now.plus_ms(mark_every_ms(limits));
                    let mut put = self
                        .client
                        .put_item()
                        .table_name(&self.table)
                        .set_item(Some(item::from_head(endpoint, &head, mark_at)));
                    put = match known {
                        None => put.condition_expression("attribute_not_exists(epoch)"),
                        Some((expired, _)) => put
                            .condition_expression("epoch = :epoch AND expires_at = :expired")
                            .expression_attribute_values(":epoch", n(expired.epoch))
                            .expression_attribute_values(":expired", n(expired.expires_at_s)),
                    };
                    put.send().await.map(drop).map_err(Error::from_sdk)
                }
            };
            match tried {
                Err(Error::ConditionFailed) => {}
                done => return done,
            }
        }
        Err(Error::Unavailable(
            "the head is being changed all the time".into(),
        ))
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
        let head = self.living(endpoint, now).await?;
        let next = head.last_seq.saturating_add(1);
        let set = match head.reply.holds(next.max(head.reply.from)) {
            true => self.set_reply_at(endpoint, head.reply.key).await?,
            false => None,
        };
        Ok(State {
            created_at: head.created_at,
            expires_at: Millis(head.expires_at_s.saturating_mul(1000)),
            first_seq: protocol::first_seq(&head, limits, now),
            last_seq: head.last_seq,
            reply: set.map(|reply| SetReply {
                reply,
                times_left: head.reply.times_left(head.last_seq),
            }),
        })
    }

    /// Hides every number given so far. What is numbered from here on is shown.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such endpoint.
    pub async fn clear(&self, endpoint: &Endpoint, now: Millis) -> Result<(), Error> {
        for _ in 0..TRIES {
            let head = self.living(endpoint, now).await?;
            if head.cleared_to >= head.last_seq {
                return Ok(());
            }
            let cleared = self
                .client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(head_key(endpoint)))
                .update_expression("SET cleared_to = :to")
                .condition_expression("epoch = :epoch AND cleared_to < :to")
                .expression_attribute_values(":to", n(head.last_seq))
                .expression_attribute_values(":epoch", n(head.epoch))
                .send()
                .await
                .map_err(Error::from_sdk);
            match cleared {
                // Somebody cleared as far at the same time, or began anew: look again.
                Err(Error::ConditionFailed) => {}
                done => return done.map(drop),
            }
        }
        Err(Error::Unavailable(
            "the head is being changed all the time".into(),
        ))
    }

    /// Makes the endpoint as if it had never been. Its bytes go by their time to live.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such endpoint.
    pub async fn forget(&self, endpoint: &Endpoint, now: Millis) -> Result<(), Error> {
        let head = self.living(endpoint, now).await?;
        let forgotten = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(head_key(endpoint)))
            .condition_expression("epoch = :epoch")
            .expression_attribute_values(":epoch", n(head.epoch))
            .send()
            .await
            .map_err(Error::from_sdk);
        match forgotten {
            // Gone already, perhaps by an earlier attempt of this very call.
            Ok(_) | Err(Error::ConditionFailed) => {}
            Err(error) => return Err(error),
        }
        self.let_go(endpoint, &head.reply, now).await
    }

    /// Sets what the receiver answers, from the next number on. `key` is random.
    ///
    /// The reply is put where nobody looks yet, and then the head is told of it in one write.
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
        let head = self.living(endpoint, now).await?;
        let mut item: Item = reply_key(endpoint, key);
        item.insert(
            "reply".into(),
            s(serde_json::to_string(reply).expect("a reply is JSON")),
        );
        if reply.times.is_some() {
            // A counted reply is used up or given up long before; one without a count stays as long as its head.
            let expires = now
                .plus_s(limits.endpoint_ttl_s)
                .plus_s(limits.endpoint_ttl_s);
            item.insert(EXPIRES_AT.into(), n(expires.epoch_s_ceil()));
        }
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item));
        put.send().await.map_err(Error::from_sdk)?;
        let until = match reply.times {
            Some(_) => "last_seq + :times",
            None => ":times",
        };
        let told = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(head_key(endpoint)))
            .update_expression(format!(
                "SET reply_key = :key, reply_from = last_seq + :one, reply_until = {until}"
            ))
            // A late copy finds its own key there and must not count anew.
            .condition_expression("epoch = :epoch AND reply_key <> :key")
            .expression_attribute_values(":key", n(key))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":times", n(reply.times.map_or(UNTIL_CHANGED, u64::from)))
            .expression_attribute_values(":epoch", n(head.epoch))
            .send()
            .await
            .map_err(Error::from_sdk);
        match told {
            Ok(_) => {}
            Err(Error::ConditionFailed) => match self.living(endpoint, now).await? {
                now_there if now_there.reply.key == key => {}
                _ => return Err(Error::NotFound),
            },
            Err(error) => return Err(error),
        }
        self.let_go(endpoint, &head.reply, now).await
    }

    /// Restores the default reply, from the next number on.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such endpoint.
    pub async fn clear_reply(&self, endpoint: &Endpoint, now: Millis) -> Result<(), Error> {
        let head = self.living(endpoint, now).await?;
        if head.reply.key == 0 {
            return Ok(());
        }
        let restored = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(head_key(endpoint)))
            .update_expression("SET reply_key = :none, reply_from = :none, reply_until = :none")
            .condition_expression("epoch = :epoch AND reply_key = :key")
            .expression_attribute_values(":none", n(0))
            .expression_attribute_values(":epoch", n(head.epoch))
            .expression_attribute_values(":key", n(head.reply.key))
            .send()
            .await
            .map_err(Error::from_sdk);
        match restored {
            Ok(_) | Err(Error::ConditionFailed) => self.let_go(endpoint, &head.reply, now).await,
            Err(error) => Err(error),
        }
    }

    /// Lets a reply that nobody is sent to any more expire, a while after those who were numbered before.
    async fn let_go(
        &self,
        endpoint: &Endpoint,
        replaced: &ReplyWindow,
        now: Millis,
    ) -> Result<(), Error> {
        if replaced.key == 0 {
            return Ok(());
        }
        let expired = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(reply_key(endpoint, replaced.key)))
            .update_expression("SET expires_at = :expires")
            .condition_expression("attribute_exists(reply)")
            .expression_attribute_values(":expires", n(now.plus_s(REPLACED_KEPT_S).epoch_s_ceil()))
            .send()
            .await
            .map_err(Error::from_sdk);
        match expired {
            Ok(_) | Err(Error::ConditionFailed) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The head of an endpoint that is there and not expired, read consistently.
    pub(crate) async fn living(&self, endpoint: &Endpoint, now: Millis) -> Result<Head, Error> {
        let found = self.head(endpoint, true).await?;
        found
            .map(|(head, _)| head)
            .filter(|head| !head.expired(now))
            .ok_or(Error::NotFound)
    }
}
