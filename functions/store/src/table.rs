//! The table, as the local home and the tests make it. On AWS the template does; a check holds the two against each other.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus,
    TimeToLiveSpecification,
};

use crate::{
    Error, Store,
    item::{ENDPOINT, EXPIRES_AT, SEQ},
};

/// The keys: name, kind, type.
pub const KEYS: [(&str, KeyType, ScalarAttributeType); 2] = [
    (ENDPOINT, KeyType::Hash, ScalarAttributeType::S),
    (SEQ, KeyType::Range, ScalarAttributeType::N),
];
/// The attribute of the time to live.
pub const TTL_ATTRIBUTE: &str = EXPIRES_AT;

/// Makes the table, unless it is there.
///
/// # Errors
/// If the engine refuses or does not answer.
pub async fn create_if_absent(store: &Store) -> Result<(), Error> {
    let described = store
        .client
        .describe_table()
        .table_name(&store.table)
        .send()
        .await;
    let is_there = described.is_ok_and(|out| {
        out.table.and_then(|table| table.table_status) == Some(TableStatus::Active)
    });
    if is_there {
        return Ok(());
    }
    let mut create = store
        .client
        .create_table()
        .table_name(&store.table)
        .billing_mode(BillingMode::PayPerRequest);
    for (name, kind, of_type) in KEYS {
        let key = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build();
        let attribute = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(of_type)
            .build();
        create = create
            .key_schema(key.expect("a name and a kind were given"))
            .attribute_definitions(attribute.expect("a name and a type were given"));
    }
    create.send().await.map_err(Error::from_sdk)?;
    let ttl = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name(TTL_ATTRIBUTE)
        .build();
    store
        .client
        .update_time_to_live()
        .table_name(&store.table)
        .time_to_live_specification(ttl.expect("a name was given"))
        .send()
        .await
        .map_err(Error::from_sdk)?;
    Ok(())
}
