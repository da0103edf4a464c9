//! The page: an askama generator that writes static files.
