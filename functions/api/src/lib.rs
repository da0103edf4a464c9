//! Function 2: read the log back.
