//! Operations: begun by nearly every write, and ended after they were asked for often enough.

use super::{Exoscale, not_found, without};
use crate::fakes::message::Reply;
use serde_json::json;

/// How often an operation is asked for before it ends.
const POLLS: u32 = 2;

impl Exoscale {
    /// The answer that begins an operation.
    pub(super) fn operation(&mut self, reference: &str, at_once: bool) -> Reply {
        let id = self.new_id();
        if at_once {
            return Reply::json(200, json!({"id": id, "state": "success"}));
        }
        if self.hurries {
            let about = json!({"id": reference, "link": format!("/v2/x/{reference}"), "command": "get-x"});
            return Reply::json(200, json!({"id": id, "state": "success", "reference": about}));
        }
        let operation = json!({"id": id, "state": "pending",
            "reference": {"id": reference, "link": format!("/v2/x/{reference}"), "command": "get-x"}});
        self.operations.insert(id, (operation.clone(), 0));
        Reply::json(200, operation)
    }

    pub(super) fn poll(&mut self, id: &str) -> Reply {
        let failing = self.fail_next;
        let Some((operation, polls)) = self.operations.get_mut(id) else {
            return not_found();
        };
        *polls += 1;
        if *polls >= POLLS {
            operation["state"] = json!("success");
            // As recorded: the end of this removal names nothing.
            if operation["gone"] == true {
                operation
                    .as_object_mut()
                    .unwrap()
                    .retain(|name, _| name == "id" || name == "state");
            }
            if let Some(reason) = failing {
                operation["state"] = json!("failure");
                operation["reason"] = json!(reason);
                operation["message"] = json!("told by the test");
                self.fail_next = None;
            }
        }
        Reply::json(200, without(&self.operations[id].0, &["gone"]))
    }
}
