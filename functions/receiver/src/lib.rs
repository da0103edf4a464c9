//! Function 1: answer a webhook and record what happened.
