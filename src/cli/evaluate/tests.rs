#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

const NODE: &str = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"},"status":{"allocatable":{"cpu":"2","memory":"4Gi","pods":"10"}}}"#;
const POD: &str = r#"{"metadata":{"name":"p","namespace":"d"},"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":1}}}]}}"#;

/// The answers, and how many cases could not be run.
fn answers(input: &str) -> (Vec<Value>, usize) {
    let (mut output, registry) = (Vec::new(), berth_plugins::in_tree().unwrap());
    let wrong = run(input.as_bytes(), &mut output, &registry, Method::Class).unwrap();
    let lines = String::from_utf8(output).unwrap();
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), wrong)
}

fn case(id: &str, objects: &str, pending: &str) -> String {
    format!("{{\"id\":\"{id}\",\"objects\":[{objects}],\"pending\":[{pending}]}}")
}

/// The pods of an answer and the nodes that were chosen.
fn chosen(answer: &Value) -> Vec<(&str, &str)> {
    let cycles = answer["cycles"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let text = |cycle: usize, field: &str| cycles[cycle][field].as_str().unwrap_or("-");
    (0..cycles.len()).map(|cycle| (text(cycle, "pod"), text(cycle, "chosen"))).collect()
}

#[test]
fn lists_in_a_case_are_taken_apart() {
    let bare = NODE.replace(r#""apiVersion":"v1","kind":"Node","#, "");
    for list in [
        format!(r#"{{"apiVersion":"v1","kind":"List","items":[{NODE}]}}"#),
        format!(r#"{{"apiVersion":"v1","kind":"NodeList","metadata":{{}},"items":[{bare}]}}"#),
    ] {
        let pods = format!(r#"{{"apiVersion":"v1","kind":"PodList","items":[{POD}]}}"#);
        let (answers, wrong) = answers(&case("a", &list, &pods));
        assert_eq!((chosen(&answers[0]), wrong), (vec![("d/p", "n")], 0));
    }
}

#[test]
fn what_kubectl_prints_is_a_case() {
    let pod = |name: &str, more: Value| {
        let mut pod: Value = serde_json::from_str(POD).unwrap();
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["name"] = json!(name);
        pod["spec"]["nodeName"] = more;
        pod
    };
    let node: Value = serde_json::from_str(NODE).unwrap();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    let items =
        [node, secret, pod("there", json!("n")), pod("a", Value::Null), pod("b", Value::Null)];
    let expected = vec![("d/a", "n"), ("d/b", "-")];
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    let lines: Vec<String> = items.iter().map(Value::to_string).collect();
    let yaml = |value: &Value| serde_saphyr::to_string(value).unwrap();
    let documents: Vec<String> = items.iter().map(yaml).collect();
    for input in [
        format!("{list:#}"),
        format!("\n{list}\n"),
        lines.join("\n"),
        yaml(&list),
        documents.join("---\n"),
        format!("# nodes\n---\n{}", documents.join("\n---  # next\n")),
    ] {
        let (answers, wrong) = answers(&input);
        assert_eq!((answers.len(), wrong), (1, 0), "{input}\n{answers:?}");
        assert_eq!(chosen(&answers[0]), expected, "{input}");
    }
}

/// Cases that cannot be run, and what is said of them.
const WRONG: &[(&str, &str, &str)] = &[
    (
        r#"{"kind":"Node","apiVersion":"v1","metadata":{"name":"x"},"spek":{}}"#,
        "",
        "objects[0].spek: unknown field \"spek\": did you mean \"spec\"?",
    ),
    (
        r#"{"kind":"Nod","apiVersion":"v1","metadata":{"name":"x"}}"#,
        "",
        "objects[0].kind: there is no \"Nod\" in \"v1\": did you mean \"Node\"?",
    ),
    (
        r#"{"kind":"Pod","apiVersion":"apps/v1","metadata":{"name":"x"}}"#,
        "",
        "objects[0].apiVersion: Pod is of group \"\"",
    ),
    (r#"{"metadata":{"name":"x"}}"#, "", "objects[0]: kind is required"),
    ("3", "", "objects[0]: is no object"),
    (
        r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Node","metadata":{"nam":"x"}}]}"#,
        "",
        "objects[0].items[0].metadata.nam: unknown field",
    ),
    (
        "",
        r#"{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","resource":{}}]}}"#,
        "pending[0].spec.containers[0].resource: unknown field \"resource\": did you mean \"resources\"?",
    ),
    (
        "",
        r#"{"metadata":{"name":"p"},"spec":{"nodeSelector":{"a":1}}}"#,
        "pending[0].spec.nodeSelector.a: ",
    ),
    (
        "",
        r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"x"}}"#,
        "pending[0]: is of kind \"Deployment\"",
    ),
    (
        "",
        r#"{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},"spec":{"suspend":true,"template":{}}}"#,
        "pending[0].spec.suspend: the Job is suspended",
    ),
    (
        "",
        r#"{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},"spec":{"parallelism":1000000000,"template":{}}}"#,
        "pending[0].spec.parallelism: more pods",
    ),
    (NODE_TWICE, "", "objects[1]: Node n is here twice"),
    (
        r#"{"kind":"Node","apiVersion":"v1","metadata":{"name":"x"},"status":{"allocatable":{"cpu":"-1"}}}"#,
        "",
        "objects[0].status.allocatable.cpu: -1 must not be negative",
    ),
    (
        "",
        r#"{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c"},{"name":"d","resources":{"limits":{"a/b":-2}}}]}}"#,
        "pending[0].spec.containers[1].resources.limits.a/b: -2 must not be negative",
    ),
    (
        "",
        r#"{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},"spec":{"template":{"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"-1"}}}]}}}}"#,
        "pending[0].spec.template.spec.containers[0].resources.requests.cpu: -1 must not be negative",
    ),
    (
        "",
        r#"{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},"spec":{"template":{"spec":{"initContainers":[{"name":"c","resources":{"requests":{"memory":"1gb"}}}]}}}}"#,
        "pending[0].spec.template.spec.initContainers[0].resources.requests.memory: \"1gb\" is not a quantity",
    ),
];

/// Two objects of one name.
const NODE_TWICE: &str = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"}},{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"},"spec":{}}"#;

#[test]
fn wrong_input_is_named_and_the_other_cases_are_answered() {
    for (objects, pending, expected) in WRONG {
        let bad = case("bad", objects, pending);
        let input = format!("{}\n\n{bad}\n{}\n", case("a", NODE, POD), case("b", NODE, POD));
        let (answers, wrong) = answers(&input);
        assert_eq!((answers.len(), wrong), (3, 1), "{expected}: {answers:?}");
        let error = answers[1]["error"].as_str().unwrap();
        assert!(error.starts_with("line 3: ") && error.contains(expected), "{expected}: {error}");
        assert_eq!(answers[1]["id"], "bad");
        assert_eq!(
            (chosen(&answers[0]), chosen(&answers[2])),
            (vec![("d/p", "n")], vec![("d/p", "n")])
        );
    }
}

#[test]
fn text_that_is_no_case_is_named() {
    let good = case("a", NODE, POD);
    for (input, expected, answered) in [
        (format!("{good}\n{{\"id\": \n{good}\n"), "line 2: column ", 2),
        (format!("{{\"id\": \n{good}\n"), "line 1: column ", 1),
        (format!("{good}\n{{\"pendin\": []}}\n"), "line 2: column 9: this line is not a case: unknown field `pendin`", 1),
        ("id: a\nobjects:\n-\tkind: Node\n".to_owned(), "line 3: column 2: a tab", 0),
        ("id: a\nobjects:\n- kind: Node\n  apiVersion: v1\n  metadata: {nam: x}\npending: []\n".to_owned(), "line 5: objects[0].metadata.nam: unknown field", 0),
        ("{\n \"kind\": \"List\", \"apiVersion\": \"v1\",\n \"items\": [\n  {\"kind\": \"Node\", \"apiVersion\": \"v1\",\n   \"metadata\": {\"nam\": \"x\"}}]}".to_owned(), "line 5: objects[0].metadata.nam", 0),
        ("{\n \"kind\": \"List\", \"apiVersion\": \"v1\",\n \"items\": [\n  {\"kind\": \"Node\"},\n".to_owned(), "line 4: column 19: the input ends early, within a value", 0),
        (String::new(), "line 1: there is no case, and no object of Kubernetes: the input is empty", 0),
        ("null\n".to_owned(), "line 1: there is no case", 0),
        ("---\n# nothing\n---\n".to_owned(), "line 1: there is no case", 0),
        (format!("{NODE}\n{{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{{\"name\":\"d\"}}}}"), "line 2: a Deployment is not tried, pods and Jobs of batch/v1 are: give a Pod or a Job with its spec.template", 0),
        ("kind: CronJob\napiVersion: batch/v1\nmetadata: {name: a}\n".to_owned(), "line 1: a CronJob is not tried", 0),
        ("kind: StatefulSet\napiVersion: apps/v1\nmetadata: {name: a}\n".to_owned(), "line 1: a StatefulSet is not tried", 0),
        ("kind: Node\napiVersion: v1\nmetadata: {name: a}\n---\nkind: Node\napiVersion: v1\nmetadata:\n  nam: x\n".to_owned(), "line 8: objects[1].metadata.nam", 0),
    ] {
        let (answers, wrong) = answers(&input);
        let errors: Vec<&str> = answers.iter().filter_map(|a| a["error"].as_str()).collect();
        assert_eq!((errors.len(), wrong), (1, 1), "{input}: {answers:?}");
        assert!(errors[0].starts_with(expected), "{input}: {errors:?}");
        assert_eq!(answers.len() - 1, answered, "{input}: {answers:?}");
    }
}

#[test]
fn a_job_is_tried_as_its_pods() {
    let job = |spec: &str| {
        format!(
            r#"{{"apiVersion":"batch/v1","kind":"Job","metadata":{{"name":"j","namespace":"d"}},"spec":{{{spec},"template":{{"spec":{{"containers":[{{"name":"c","resources":{{"requests":{{"cpu":"1"}}}}}}]}}}}}}}}"#
        )
    };
    let (first, wrong) = answers(&case("a", NODE, &job(r#""parallelism":3"#)));
    assert_eq!(
        (chosen(&first[0]), wrong),
        (vec![("d/j-0", "n"), ("d/j-1", "n"), ("d/j-2", "-")], 0)
    );
    let (second, _) = answers(&case("a", NODE, &job(r#""parallelism":3,"completions":1"#)));
    assert_eq!(chosen(&second[0]), vec![("d/j-0", "n")]);
}

#[test]
fn a_gated_pod_is_not_tried() {
    let gated =
        POD.replace(r#""spec":{"#, r#""spec":{"schedulingGates":[{"name":"a"},{"name":"b"}],"#);
    let (answers, wrong) = answers(&case("a", NODE, &gated));
    let verdict = json!({"pod": "d/p", "preFilter": {
        "code": "Gated/UnschedulableAndUnresolvable",
        "plugin": "SchedulingGates",
        "reasons": ["waiting for scheduling gates: [a b]"],
    }});
    assert_eq!((&answers[0]["cycles"], wrong), (&json!([verdict]), 0));
}

#[test]
fn both_engines_print_the_same_and_nothing_that_a_terminal_obeys() {
    let registry = berth_plugins::in_tree().unwrap();
    let input = case("\\u001b[31m\\u009b", NODE, POD);
    let [class, scan] = [Method::Class, Method::Scan].map(|method| {
        let mut output = Vec::new();
        run(input.as_bytes(), &mut output, &registry, method).unwrap();
        String::from_utf8(output).unwrap()
    });
    assert_eq!(class, scan);
    assert!(class.contains("NodeResourcesFit") && !class.contains("VolumeBinding"), "{class}");
    assert!(!class.trim_end().contains(char::is_control), "{class:?}");
}

#[test]
fn objects_without_a_pod_to_try_say_so() {
    let placed =
        POD.replace(r#""spec":{"#, r#""apiVersion":"v1","kind":"Pod","spec":{"nodeName":"n","#);
    // What a controller has seen has its pods already.
    let made = json!({"apiVersion": "apps/v1", "kind": "Deployment",
                      "metadata": {"name": "d", "namespace": "d", "uid": "1"}});
    let (answers, wrong) = answers(&format!("{NODE}\n{placed}\n{made}\n"));
    assert_eq!((answers.len(), wrong), (1, 0), "{answers:?}");
    assert_eq!(answers[0]["cycles"], json!([]));
    let note = answers[0]["note"].as_str().unwrap();
    assert!(note.starts_with("no pod is tried: each is on a node"), "{note}");
}
