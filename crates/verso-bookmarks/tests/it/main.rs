//! Files of bookmarks as browsers write them, as nobody should, and as we do.

mod hostile;
mod reading;
mod writing;
