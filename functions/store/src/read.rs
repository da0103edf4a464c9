//! What a poll does: read the head, query the numbers after the cursor, close abandoned gaps.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use delivery::{
    Delivery, cursor::Cursor, key::Endpoint, limits::Limits, log_page::LogPage, millis::Millis,
};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::{
    Error, Store,
    connection::answered,
    item::{self, GONE, Item, SEQ, TOMBSTONE, n, s},
    protocol::{self, ClosedGaps, Entry, Plan, QueriedRange, ReadRequest},
};

/// A page ends when its deliveries have about this many bytes of JSON; it has at least one.
const PAGE_BYTES: usize = 1024 * 1024;

/// A queried range: what the rules look at, and the deliveries themselves.
#[derive(Default)]
struct Queried {
    range: QueriedRange,
    deliveries: BTreeMap<u64, Delivery>,
    /// JSON of the deliveries, in bytes.
    bytes: usize,
}

impl Store {
    /// One page of a log, of at most `limit` deliveries.
    ///
    /// A poll that finds nothing costs one eventually consistent read of the head.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such endpoint.
    pub async fn read(
        &self,
        endpoint: &Endpoint,
        request: ReadRequest,
        limit: usize,
        now: Millis,
        limits: &Limits,
    ) -> Result<LogPage, Error> {
        let stale = match request {
            ReadRequest::After(_) => self.head(endpoint, false).await?,
            _ => None,
        };
        let head = match stale {
            Some(head) if request.accepts_stale_head(&head, limits, now) => head,
            _ => self.load_active_head(endpoint).await?,
        };
        let plan = Plan::new(request, &head, limits, now);
        let queried = if plan.is_empty() {
            Queried {
                range: QueriedRange { complete: true, ..QueriedRange::default() },
                ..Queried::default()
            }
        } else {
            self.query(endpoint, head.epoch, &plan, limit).await?
        };
        let mut closed = ClosedGaps::new();
        let page = loop {
            let page = protocol::page(&plan, &head, now, &queried.range, &closed);
            if page.to_close.is_empty() || closed.len() >= protocol::MAX_CLOSED_GAPS {
                break page;
            }
            for some in page.to_close.chunks(protocol::CLOSED_AT_ONCE) {
                let partition = item::log_partition(endpoint, head.epoch);
                let expires = protocol::expires_at_s(now.max(head.interval_end), limits);
                let writes = some.iter().map(|&seq| {
                    let tombstone =
                        item::tombstone(partition.clone(), seq, seq <= plan.gone_to, expires);
                    let store = self.clone();
                    async move { (seq, store.close_gap(tombstone).await) }
                });
                let results = writes.collect::<JoinSet<_>>().join_all().await;
                let has_failed = results.iter().any(|(_, result)| result.is_err());
                let is_closed = |(seq, result): (u64, Result<bool, _>)| (seq, result == Ok(true));
                closed.extend(results.into_iter().map(is_closed));
                if has_failed {
                    // The table has no room for more now. What is below the first that is open is shown all the same.
                    let rest = page.to_close.iter();
                    let rest: Vec<_> = rest.filter(|seq| !closed.contains_key(seq)).collect();
                    closed.extend(rest.into_iter().map(|&seq| (seq, false)));
                    break;
                }
            }
        };
        let cursor = |seq| Cursor { epoch: head.epoch, seq }.encode();
        let shown = |seq: &u64| (page.from..=page.to).contains(seq);
        let unreadable =
            queried.range.entries.iter().filter(|(_, entry)| **entry == Entry::Unreadable);
        Ok(LogPage {
            endpoint: endpoint.clone(),
            unreadable: unreadable.map(|(seq, _)| *seq).filter(shown).collect(),
            deliveries: queried
                .deliveries
                .into_iter()
                .filter(|(seq, _)| shown(seq))
                .map(|(_, delivery)| delivery)
                .collect(),
            cursor: cursor(page.cursor),
            older: page.older.map(cursor),
            first_seq: page.first_seq,
            last_seq: page.last_seq,
            missing: page.missing,
            gone: page.gone,
            refused: head.refused,
            restarted: plan.restarted,
        })
    }

    /// Queries the plan's numbers, as many as fit in a page.
    async fn query(
        &self,
        endpoint: &Endpoint,
        epoch: u64,
        plan: &Plan,
        limit: usize,
    ) -> Result<Queried, Error> {
        let mut queried = Queried::default();
        let mut start: Option<Item> = None;
        // The cursor's own number is queried too when going back, and is not shown.
        let beside = match plan.request {
            ReadRequest::Before(cursor) => Some(cursor.seq),
            _ => None,
        };
        // Grows while tombstones fill the answers: behind many of them, one delivery must not take a query for every two.
        let mut widened = 1;
        loop {
            let room = (limit + 1 - queried.deliveries.len().min(limit)) * widened;
            widened *= 4;
            let out = answered(
                self.client
                    .query()
                    .table_name(&self.table)
                    .key_condition_expression("endpoint = :partition AND seq BETWEEN :lo AND :hi")
                    .expression_attribute_values(
                        ":partition",
                        s(item::log_partition(endpoint, epoch)),
                    )
                    .expression_attribute_values(":lo", n(plan.lo))
                    .expression_attribute_values(":hi", n(plan.hi))
                    .scan_index_forward(!plan.newest_first())
                    .limit(i32::try_from(room).unwrap_or(i32::MAX))
                    .set_exclusive_start_key(start.take())
                    .send(),
            )
            .await?;
            for item in out.items.unwrap_or_default() {
                let Some(seq) = item::seq(&item) else {
                    continue;
                };
                let shown = queried.deliveries.len()
                    - usize::from(beside.is_some_and(|b| queried.deliveries.contains_key(&b)));
                if Some(seq) != beside
                    && (shown >= limit || (shown > 0 && queried.bytes >= PAGE_BYTES))
                {
                    return Ok(queried);
                }
                queried.take(seq, &item);
            }
            start = out.last_evaluated_key;
            if start.is_none() {
                queried.range.complete = true;
                return Ok(queried);
            }
        }
    }

    /// Puts a tombstone, which closes its number for good, unless there is an item. Returns whether it did.
    async fn close_gap(&self, tombstone: Item) -> Result<bool, Error> {
        let put = answered(
            self.client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(tombstone))
                // A repeated attempt of this very write finds its own tombstone.
                .condition_expression("attribute_not_exists(#seq) OR #tombstone = :true")
                .expression_attribute_names("#seq", SEQ)
                .expression_attribute_names("#tombstone", TOMBSTONE)
                .expression_attribute_values(":true", AttributeValue::Bool(true))
                .send(),
        )
        .await;
        match put {
            Ok(_) => Ok(true),
            Err(Error::ConditionFailed) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Queried {
    fn take(&mut self, seq: u64, item: &Item) {
        let entry = if item.contains_key(GONE) {
            Entry::Gone
        } else if item.contains_key(TOMBSTONE) {
            Entry::Tombstone
        } else {
            match item::to_delivery(item) {
                Ok(delivery) => {
                    let at = delivery.received_at;
                    self.bytes += json_len(&delivery);
                    self.deliveries.insert(seq, delivery);
                    Entry::Delivery(at)
                }
                Err(_) => Entry::Unreadable,
            }
        };
        self.range.entries.insert(seq, entry);
    }
}

/// How many bytes a value has as JSON, without making it.
fn json_len(value: &impl Serialize) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).expect("it is a struct with text keys");
    count.0
}
