//! Deletes what has expired, where the table does not do it by itself: in the local home.

use std::collections::HashMap;

use delivery::{limits::Limits, millis::Millis};

use crate::{
    Error, Store,
    connection::answered,
    item::{ENDPOINT, EXPIRES_AT, Item, SEQ, n},
};

/// Items in one page of a scan. An engine may read a whole page, and without a limit the whole table, into memory.
const SCANNED_AT_ONCE: i32 = 16;

impl Store {
    /// Writes into each head up to where its log will be deleted at a time, so that a number whose delivery was deleted is
    /// never taken for one that was not recorded, also if that time was wrong.
    ///
    /// # Errors
    /// If the table is not available.
    pub async fn announce_expired(&self, now: Millis, limits: &Limits) -> Result<(), Error> {
        for item in self.scan("#attribute = :than", n(0), SEQ).await? {
            // A head that can't be read is no reason to keep the other logs.
            let Ok(head) = self.head_in(&item) else {
                continue;
            };
            let deleted_to = head.maybe_deleted_to(limits, now);
            if deleted_to == head.deleted_to {
                continue;
            }
            let announced = self.update_at(key(&item), |update| {
                update
                    .update_expression("SET deleted_to = :to")
                    .condition_expression(
                        "epoch = :epoch AND (attribute_not_exists(deleted_to) OR deleted_to < :to)",
                    )
                    .expression_attribute_values(":to", n(deleted_to))
                    .expression_attribute_values(":epoch", n(head.epoch))
            });
            match announced.await {
                Ok(_) | Err(Error::ConditionFailed) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Deletes what has expired at a time that was announced longer ago than a reading takes.
    ///
    /// # Errors
    /// If the table is not available.
    pub async fn delete_expired(&self, announced: Millis) -> Result<(), Error> {
        let now_s = n(announced.0 / 1000);
        let expired = self.scan("#attribute <= :than", now_s.clone(), EXPIRES_AT).await?;
        for item in expired {
            let deleted = self
                .client
                .delete_item()
                .table_name(&self.table)
                .set_key(Some(key(&item)))
                // It may have been renewed meanwhile.
                .condition_expression("expires_at <= :now")
                .expression_attribute_values(":now", now_s.clone())
                .send();
            match answered(deleted).await {
                Ok(_) | Err(Error::ConditionFailed) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// All items of which one attribute compares with a value.
    async fn scan(
        &self,
        filter: &str,
        than: aws_sdk_dynamodb::types::AttributeValue,
        attribute: &str,
    ) -> Result<Vec<Item>, Error> {
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let page = self
                .client
                .scan()
                .table_name(&self.table)
                .consistent_read(true)
                .limit(SCANNED_AT_ONCE)
                .filter_expression(filter)
                .expression_attribute_names("#attribute", attribute)
                .expression_attribute_values(":than", than.clone())
                .set_exclusive_start_key(start)
                .send();
            let page = answered(page).await?;
            found.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }
}

fn key(item: &Item) -> Item {
    let of = |name: &str| item.get(name).map(|value| (name.to_owned(), value.clone()));
    HashMap::from_iter([ENDPOINT, SEQ].into_iter().filter_map(of))
}
