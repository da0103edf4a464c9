//! The table, as the local home and the tests make it. On AWS the template does; a check holds the two against each other.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::describe_table::DescribeTableError,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        TimeToLiveSpecification, TimeToLiveStatus,
    },
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

/// Makes the table with its time to live, or what of it is not there yet.
///
/// # Errors
/// If the engine refuses or does not answer.
pub async fn create_if_absent(store: &Store) -> Result<(), Error> {
    let described = store.client.describe_table().table_name(&store.table).send().await;
    match described {
        Ok(_) => {}
        Err(error) if is_absent(&error) => create(store).await?,
        Err(error) => return Err(Error::from_sdk(error)),
    }
    // Also for an existing table: the program that created it may have been stopped before this.
    expire(store).await
}

fn is_absent(error: &SdkError<DescribeTableError>) -> bool {
    error.as_service_error().is_some_and(DescribeTableError::is_resource_not_found_exception)
}

async fn create(store: &Store) -> Result<(), Error> {
    let mut create = store
        .client
        .create_table()
        .table_name(&store.table)
        .billing_mode(BillingMode::PayPerRequest);
    for (name, kind, of_type) in KEYS {
        let key = KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
        let attribute =
            AttributeDefinition::builder().attribute_name(name).attribute_type(of_type).build();
        create = create
            .key_schema(key.expect("a name and a kind were given"))
            .attribute_definitions(attribute.expect("a name and a type were given"));
    }
    create.send().await.map(drop).map_err(Error::from_sdk)
}

/// Enables the time to live unless it is enabled; DynamoDB refuses to enable it twice.
async fn expire(store: &Store) -> Result<(), Error> {
    let described = store
        .client
        .describe_time_to_live()
        .table_name(&store.table)
        .send()
        .await
        .map_err(Error::from_sdk)?;
    let status = described.time_to_live_description.and_then(|ttl| ttl.time_to_live_status);
    if let Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) = status {
        return Ok(());
    }
    let ttl =
        TimeToLiveSpecification::builder().enabled(true).attribute_name(TTL_ATTRIBUTE).build();
    store
        .client
        .update_time_to_live()
        .table_name(&store.table)
        .time_to_live_specification(ttl.expect("a name was given"))
        .send()
        .await
        .map(drop)
        .map_err(Error::from_sdk)
}
