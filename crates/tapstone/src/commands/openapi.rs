//! `tapstone openapi`: the API's description.

use crate::failure::Failure;
use crate::output;

pub(crate) fn run() -> Result<(), Failure> {
    output::print(&format!("{}\n", server::openapi_json()))?;
    Ok(())
}
