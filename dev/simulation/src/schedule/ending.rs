use super::Ending;
use crate::table::short;

impl Ending {
    /// Returns a line about it, for a trace.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Reserved(visitor, outcome) => match &**outcome {
                Ok(reserved) => {
                    let (id, state) = (short(&reserved.booking.id), reserved.booking.state);
                    format!("visitor {visitor} has {id}, {state}")
                }
                Err(error) => format!("visitor {visitor} is told: {error}"),
            },
            Self::Delivered { is_taken } => format!("the event was taken: {is_taken}"),
            Self::Other => "done".to_owned(),
        }
    }
}
