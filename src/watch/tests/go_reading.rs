//! JSON as Go reads it: nulls, empty strings, numbers, and errors that name the field.

use berth_engine::record::{
    InTreeKind, InTreeVolume, Phase, PodRecord, PreemptionPolicy, Quantity, ResizePending,
    TaintEffect, TolerationOp, Volume, VolumeBindingMode, VolumeSource,
};
use berth_engine::{Change, Input, Object};

use crate::watch::{DecodeError, decode_object, decode_pod};

fn pod(spec: &str, status: &str) -> PodRecord {
    let text = format!(
        r#"{{"metadata":{{"name":"p","namespace":"n","uid":"u"}},"spec":{spec},"status":{status}}}"#
    );
    decode_pod(text.as_bytes()).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn field_of(text: &str) -> (String, String) {
    match decode_object(text.as_bytes()).unwrap_err() {
        DecodeError::Field { key, field, .. } => (key.to_string(), field),
        other => panic!("{other}"),
    }
}

fn object(text: &str) -> Object {
    match decode_object(text.as_bytes()).unwrap() {
        Input::Object(object, Change::Applied) => *object,
        other => panic!("{other:?}"),
    }
}

#[test]
fn null_missing_and_empty_are_the_default() {
    let bare = pod("{}", "{}");
    let nulls = pod(
        r#"{"nodeName":null,"containers":null,"nodeSelector":null,"affinity":null,"tolerations":null,
            "priority":null,"schedulingGates":null,"volumes":null,"overhead":null,"hostUsers":null,
            "topologySpreadConstraints":null,"resources":null,"resourceClaims":null,
            "schedulingGroup":null,"preemptionPolicy":null,"hostNetwork":null}"#,
        r#"{"conditions":null,"nominatedNodeName":null,"startTime":null,"containerStatuses":null}"#,
    );
    let empty = pod(
        r#"{"nodeName":"","containers":[],"nodeSelector":{},"tolerations":[],"schedulingGates":[],
            "unknownField":{"deep":[1,2]},"NODENAME":"other"}"#,
        r#"{"nominatedNodeName":"","phase":""}"#,
    );
    assert_eq!(bare, nulls);
    assert_eq!(bare, empty);
    assert_eq!((bare.node_name, bare.phase), (None, Phase::Pending));
}

#[test]
fn null_elements_are_defaults() {
    let p = pod(
        r#"{"containers":[null],"nodeSelector":{"a":null},
            "tolerations":[null,{"operator":"Exists"}],
            "affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
                [{"namespaces":[null,"x"]}]}}}"#,
        "{}",
    );
    assert_eq!(p.spec.containers.len(), 1);
    assert_eq!(p.spec.node_selector.get("a"), Some(""));
    assert_eq!(p.spec.tolerations[0].op, TolerationOp::Equal);
    let term = &p.spec.affinity.as_ref().unwrap().pod_required[0];
    assert_eq!(&*term.namespaces, ["".into(), "x".into()]);
}

#[test]
fn quantities_may_be_numbers() {
    let p = pod(
        r#"{"containers":[{"resources":{"requests":
            {"cpu":2,"memory":1.5,"a/b":"1500m","c":null,"d":-1}}}]}"#,
        "{}",
    );
    let requests = &p.spec.containers[0].requests;
    assert_eq!(requests.get("cpu"), Some(Quantity::from_units(2)));
    assert_eq!(requests.get("memory"), Some(Quantity::from_milli(1500)));
    assert_eq!(requests.get("a/b"), Some(Quantity::from_milli(1500)));
    assert_eq!(requests.get("c"), Some(Quantity::ZERO));
    assert_eq!(requests.get("d"), Some(Quantity::from_units(-1)));
}

#[test]
fn tolerations_of_alpha_or_unknown_operators_are_unsupported() {
    let p = pod(
        r#"{"tolerations":[{"operator":"Lt"},{"operator":"Gt"},{"operator":"x"},
            {"operator":"Equal","effect":"NoExecute"},{"operator":"","effect":""}]}"#,
        "{}",
    );
    let ops: Vec<_> = p.spec.tolerations.iter().map(|t| (t.op, t.effect)).collect();
    let unsupported = (TolerationOp::Unsupported, None);
    let equal = TolerationOp::Equal;
    let expected = [
        unsupported,
        unsupported,
        unsupported,
        (equal, Some(TaintEffect::NoExecute)),
        (equal, None),
    ];
    assert_eq!(ops, expected);
}

#[test]
fn what_is_a_pods_own_is_not_in_the_template() {
    let p = pod(
        r#"{"nodeName":"a","priority":7,"preemptionPolicy":"Never","schedulingGates":[{"name":"g"}],
            "hostname":"p-0","subdomain":"s","schedulerName":"berth",
            "volumes":[{"name":"kube-api-access-x7k2p","projected":{"sources":[]}}]}"#,
        "{}",
    );
    let sibling = pod(
        r#"{"nodeName":"b","schedulerName":"berth","hostname":"p-1",
            "volumes":[{"name":"kube-api-access-mm1aa","projected":{"sources":[]}}]}"#,
        "{}",
    );
    assert_eq!(p.spec, sibling.spec);
    assert_eq!(p.node_name.as_deref(), Some("a"));
    assert_eq!((p.priority, p.preemption_policy), (7, PreemptionPolicy::Never));
    assert_eq!(&*p.scheduling_gates, ["g".into()]);
}

#[test]
fn host_ports_and_sidecars() {
    let p = pod(
        r#"{"containers":[{"restartPolicy":"Always","ports":[{"containerPort":80},
            {"hostPort":0},{"hostPort":8080,"hostIP":"10.0.0.1","protocol":"UDP"}]}],
            "initContainers":[{"restartPolicy":"Always"},{}]}"#,
        "{}",
    );
    let ports = &p.spec.containers[0].host_ports;
    assert_eq!(ports.len(), 1);
    assert_eq!((&*ports[0].ip, &*ports[0].protocol, ports[0].port), ("10.0.0.1", "UDP", 8080));
    let restartable = |list: &[berth_engine::record::Container]| {
        list.iter().map(|c| c.restartable).collect::<Vec<_>>()
    };
    assert_eq!(restartable(&p.spec.containers), [false]);
    assert_eq!(restartable(&p.spec.init_containers), [true, false]);
}

#[test]
fn a_resize_is_recorded_only_where_it_says_more_than_the_spec() {
    let spec = r#"{"containers":[{"name":"c","resources":{"requests":{"cpu":"1"}}}],
                   "overhead":{"memory":"1"}}"#;
    let resize = |status: &str| pod(spec, status).resize;
    // The same amount in other words, and what the kubelet of 1.37 reports for every pod.
    for same in [
        r#"{"containerStatuses":[{"name":"c","allocatedResources":{"cpu":"1000m"},
            "resources":{"requests":{"cpu":1}}}]}"#,
        r#"{"containerStatuses":[{"name":"c"},{"name":"gone","allocatedResources":{"cpu":"9"}}]}"#,
        r#"{"allocatedResources":{"cpu":"1"},"resources":{"requests":{"cpu":"1"}},
            "containerStatuses":[{"name":"c","allocatedResources":{"cpu":"9"}}]}"#,
        r#"{"conditions":[{"type":"PodResizeInProgress","reason":"x"}]}"#,
    ] {
        assert_eq!(resize(same), None, "{same}");
    }
    for other in [
        r#"{"containerStatuses":[{"name":"c","allocatedResources":{"cpu":"2"}}]}"#,
        r#"{"containerStatuses":[{"name":"c","resources":{"requests":{"cpu":"2"}}}]}"#,
        r#"{"initContainerStatuses":[{"name":"c","allocatedResources":{"cpu":"2"}}]}"#,
        // Overhead is in the kubelet's sum, and the rule adds it once more.
        r#"{"allocatedResources":{"cpu":"1","memory":"1"},"resources":{"requests":{"cpu":"1"}}}"#,
    ] {
        assert!(resize(other).is_some(), "{other}");
    }
    let infeasible =
        resize(r#"{"conditions":[{"type":"PodResizePending","reason":"Infeasible"}]}"#).unwrap();
    assert_eq!(infeasible.pending, Some(ResizePending::Infeasible));
}

#[test]
fn a_pod_level_resize_counts_where_the_spec_has_pod_level_requests() {
    let spec = r#"{"resources":{"requests":{"cpu":"2"}},
                   "containers":[{"name":"c","resources":{"requests":{"cpu":"3","memory":"8"}}}]}"#;
    let resize = |status: &str| pod(spec, status).resize;
    assert_eq!(resize(r#"{"resources":{"requests":{"cpu":"2"}}}"#), None);
    assert_eq!(resize(r#"{"resources":{},"allocatedResources":{"cpu":"2"}}"#), None);
    assert!(resize(r#"{"resources":{},"allocatedResources":{"cpu":"2500m"}}"#).is_some());
    assert!(resize(r#"{"resources":{"requests":{"memory":"1"}}}"#).is_some());
    // Without status.resources the override is the spec's.
    assert_eq!(resize(r#"{"allocatedResources":{"cpu":"2500m"}}"#), None);
}

#[test]
fn volumes() {
    let p = pod(
        r#"{"volumes":[
            {"name":"a","persistentVolumeClaim":{"claimName":"c","readOnly":true}},
            {"name":"b","configMap":{"name":"x"}},
            {"name":"e","ephemeral":{"volumeClaimTemplate":{"spec":{"storageClassName":"fast"}}}},
            {"name":"r","rbd":{"monitors":["m"],"image":"i"}},
            {"name":"d","azureDisk":{"diskName":"n","diskURI":"u","kind":"Managed"}}]}"#,
        "{}",
    );
    assert_eq!(
        p.spec.volumes,
        [
            Volume::Claim { name: "c".into(), read_only: true },
            Volume::Ephemeral { claim: "p-e".into() },
            Volume::Rbd {
                monitors: ["m".into()].into(),
                pool: "rbd".into(),
                image: "i".into(),
                read_only: false
            },
            Volume::InTree(InTreeVolume {
                kind: InTreeKind::AzureDisk,
                id: "u".into(),
                disk_kind: Some("Managed".into()),
            }),
        ]
    );
}

#[test]
fn times_are_milliseconds() {
    let p = pod("{}", r#"{"startTime":"2026-01-01T00:00:01Z"}"#);
    assert_eq!(p.started_ms, Some(1_767_225_601_000));
    let p = pod("{}", r#"{"startTime":"2026-01-01T02:00:01.5+02:00"}"#);
    assert_eq!(p.started_ms, Some(1_767_225_601_500));
}

#[test]
fn errors_name_object_and_field() {
    let cases = [
        (
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"n"},
             "spec":{"containers":[{},{"resources":{"requests":{"cpu":"1","memory":"lots"}}}]}}"#,
            ("n/p", "spec.containers[1].resources.requests[memory]"),
        ),
        (
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"n"},
             "spec":{"tolerations":[{"key":"a,]}"},{"key":7}]}}"#,
            ("n/p", "spec.tolerations[1].key"),
        ),
        (
            r#"{"apiVersion":"v1","kind":"Node","status":{"allocatable":[]},"metadata":{"name":"a"}}"#,
            ("a", "status.allocatable"),
        ),
        (r#"{"apiVersion":"v1","kind":"Node","metadata":{"uid":"u"}}"#, ("", "metadata.name")),
        (
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","creationTimestamp":"now"}}"#,
            ("", "metadata.creationTimestamp"),
        ),
    ];
    for (text, (key, field)) in cases {
        assert_eq!(field_of(text), (key.into(), field.into()), "{text}");
    }
    let unknown = decode_object(br#"{"apiVersion":"v1","kind":"Secret"}"#).unwrap_err();
    assert_eq!(unknown.to_string(), r#"Secret of "v1" is not a kind that the scheduler watches"#);
    assert!(matches!(decode_object(b"{\"kind\":"), Err(DecodeError::Syntax { .. })));
}

#[test]
fn selector_owners() {
    let Object::Service(service) = object(
        r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"s","namespace":"n","uid":"u"},
            "spec":{"selector":{"app":"a"}}}"#,
    ) else {
        panic!("not a service")
    };
    assert_eq!(service.selector.unwrap().match_labels.get("app"), Some("a"));
    let Object::StatefulSet(set) = object(
        r#"{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"s"},
            "spec":{"selector":{"matchExpressions":[{"key":"k","operator":"Exists"}]}}}"#,
    ) else {
        panic!("not a stateful set")
    };
    assert_eq!(set.selector.unwrap().match_expressions.len(), 1);
    let Object::DisruptionBudget(budget) = object(
        r#"{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"b"},
            "spec":{"selector":{}},"status":{"disruptionsAllowed":2,
            "disruptedPods":{"z":"2026-01-01T00:00:00Z","a":null}}}"#,
    ) else {
        panic!("not a budget")
    };
    assert_eq!(budget.disruptions_allowed, 2);
    assert_eq!(&*budget.disrupted_pods, ["a".into(), "z".into()]);
    assert!(budget.selector.is_some());
}

#[test]
fn features_that_a_pod_needs_of_its_node() {
    let features = |spec: &str| pod(spec, "{}").spec.required_features.join(" ");
    let mounts = r#"[{"name":"v","mountPath":"/v","bindMountOptions":["noexec"]}]"#;
    for (spec, expected) in [
        (r#"{"hostNetwork":true,"hostUsers":false}"#, "UserNamespacesHostNetworkSupport"),
        (r#"{"hostNetwork":true}"#, ""),
        (r#"{"hostNetwork":true,"hostUsers":true}"#, ""),
        (r#"{"hostUsers":false}"#, ""),
        (
            r#"{"containers":[{"restartPolicyRules":[{"action":"Restart"}]},
                {"restartPolicyRules":[{"action":"Restart"},{"action":"RestartAllContainers"}]}]}"#,
            "RestartAllContainersOnContainerExits",
        ),
        (r#"{"containers":[{"restartPolicyRules":[{"action":"Restart"}]}]}"#, ""),
        (
            r#"{"initContainers":[{"restartPolicyRules":[{"action":"RestartAllContainers"}]}],
                "hostNetwork":true,"hostUsers":false}"#,
            "RestartAllContainersOnContainerExits UserNamespacesHostNetworkSupport",
        ),
        (r#"{"containers":[{"volumeMounts":[{"name":"v","mountPath":"/v"}]}]}"#, ""),
        (&format!(r#"{{"containers":[{{"volumeMounts":{mounts}}}]}}"#), "VolumeBindMountOptions"),
        (
            &format!(r#"{{"initContainers":[{{"volumeMounts":{mounts}}}]}}"#),
            "VolumeBindMountOptions",
        ),
        (
            &format!(r#"{{"ephemeralContainers":[{{"name":"e","volumeMounts":{mounts}}}]}}"#),
            "VolumeBindMountOptions",
        ),
    ] {
        assert_eq!(features(spec), expected, "{spec}");
    }
}

#[test]
fn volumes_are_of_csi_or_of_a_kind_that_csi_took_over() {
    let volume = |spec: &str| {
        let text = format!(
            r#"{{"apiVersion":"v1","kind":"PersistentVolume","metadata":{{"name":"v"}},"spec":{spec}}}"#
        );
        let Object::Volume(volume) = object(&text) else { panic!("not a volume") };
        volume
    };
    let in_tree = |kind, id: &str| {
        VolumeSource::InTree(InTreeVolume { kind, id: id.into(), disk_kind: None })
    };
    for (spec, source) in [
        (
            r#"{"csi":{"driver":"x","volumeHandle":"h"}}"#,
            VolumeSource::Csi { driver: "x".into(), handle: "h".into() },
        ),
        (
            r#"{"awsElasticBlockStore":{"volumeID":"aws://z/vol-1"}}"#,
            in_tree(InTreeKind::AwsElasticBlockStore, "aws://z/vol-1"),
        ),
        (r#"{"gcePersistentDisk":{"pdName":"d"}}"#, in_tree(InTreeKind::GcePersistentDisk, "d")),
        (r#"{"cinder":{"volumeID":"c"}}"#, in_tree(InTreeKind::Cinder, "c")),
        (r#"{"portworxVolume":{"volumeID":"p"}}"#, in_tree(InTreeKind::PortworxVolume, "p")),
        (r#"{"azureDisk":{"diskURI":"u"}}"#, in_tree(InTreeKind::AzureDisk, "u")),
        (r#"{"azureFile":{"shareName":"s"}}"#, in_tree(InTreeKind::AzureFile, "")),
        (r#"{"vsphereVolume":{"volumePath":"p"}}"#, in_tree(InTreeKind::VsphereVolume, "")),
        (r#"{"hostPath":{"path":"/"}}"#, VolumeSource::Other),
    ] {
        assert_eq!(volume(spec).source, source, "{spec}");
    }
    let claimed = volume(
        r#"{"claimRef":{"namespace":"n","name":"c","uid":"u"},"volumeMode":"Block",
        "capacity":{"storage":"1Gi"},"volumeAttributesClassName":"gold"}"#,
    );
    assert_eq!(claimed.capacity, Quantity::from_units(1 << 30));
    assert!(claimed.block && claimed.attributes_class.as_ref() == "gold");
    assert_eq!(claimed.claim.unwrap().0.to_string(), "n/c");
}

#[test]
fn absent_requests_and_modes_are_told_from_set_ones() {
    let claim = |spec: &str| {
        let text = format!(
            r#"{{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{{"name":"c"}},
            "spec":{spec}}}"#
        );
        let Object::Claim(claim) = object(&text) else { panic!("not a claim") };
        claim
    };
    assert_eq!(claim("{}").request, None);
    let small = claim(r#"{"resources":{"requests":{"storage":"0"}},"storageClassName":""}"#);
    assert_eq!((small.request, small.storage_class.as_deref()), (Some(Quantity::ZERO), Some("")));
    for (mode, expected) in [
        ("", None),
        (r#","volumeBindingMode":"Immediate""#, Some(VolumeBindingMode::Immediate)),
        (
            r#","volumeBindingMode":"WaitForFirstConsumer""#,
            Some(VolumeBindingMode::WaitForFirstConsumer),
        ),
    ] {
        let text = format!(
            r#"{{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass",
            "metadata":{{"name":"s"}}{mode}}}"#
        );
        let Object::StorageClass(class) = object(&text) else { panic!("not a class") };
        assert_eq!(class.binding_mode, expected, "{mode}");
    }
}
