use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;

use super::item::{marker_key, number};
use super::{DynamoStore, refused, unavailable};
use crate::store::StoreError;
use crate::store::outbox::{Claim, Effect, Outbox};
use salon::booking::BookingId;

const CLAIMED_UNTIL: &str = "claimedUntil";
const DONE_AT: &str = "doneAt";

impl DynamoStore {
    fn update_marker(&self, id: &BookingId, effect: Effect) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).set_key(Some(marker_key(
            id,
            effect.name,
            effect.version,
        )))
    }
}

impl Outbox for DynamoStore {
    async fn claim(
        &self,
        id: &BookingId,
        effect: Effect,
        now: Timestamp,
        until: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Claim, StoreError> {
        let update = self
            .update_marker(id, effect)
            .update_expression("SET claimedUntil = :until, expiresAt = :expires")
            .condition_expression(
                "attribute_not_exists(doneAt) \
                 AND (attribute_not_exists(claimedUntil) OR claimedUntil <= :now)",
            )
            .expression_attribute_values(":until", number(until))
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":expires", number(expires_at))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(made) => {
                let before = made.attributes.unwrap_or_default();
                let was_claimed = before.contains_key(CLAIMED_UNTIL);
                Ok(if was_claimed { Claim::TakenAgain } else { Claim::Taken })
            }
            Err(SdkError::ServiceError(error)) => match error.into_err() {
                UpdateItemError::ConditionalCheckFailedException(failed) => {
                    let is_done = failed.item.is_some_and(|item| item.contains_key(DONE_AT));
                    Ok(if is_done { Claim::Done } else { Claim::Refused })
                }
                error => Err(unavailable("a claim", error)),
            },
            Err(error) => Err(unavailable("a claim", error)),
        }
    }

    async fn mark_done(
        &self,
        id: &BookingId,
        effect: Effect,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let update = self
            .update_marker(id, effect)
            .update_expression("SET doneAt = :now, expiresAt = :expires REMOVE claimedUntil")
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":expires", number(expires_at));
        refused(update.send().await, "marking an effect").map(drop)
    }

    async fn release_claim(
        &self,
        id: &BookingId,
        effect: Effect,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let update = self
            .update_marker(id, effect)
            .update_expression("REMOVE claimedUntil")
            .condition_expression("claimedUntil = :until")
            .expression_attribute_values(":until", number(until));
        refused(update.send().await, "giving a claim back").map(drop)
    }
}
