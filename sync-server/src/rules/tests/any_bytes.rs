//! Nothing a client sends makes a rule panic or breaks the relay for others.

use bedside_protocol::cbor;
use bedside_protocol::wire::CompareRequest;
use proptest::prelude::*;

use super::*;

fn feed_all(world: &mut World, device: &Device, bytes: &[u8]) {
    if let Ok(request) = cbor::decode::<SessionRequest>(bytes) {
        drop(world.session(request));
    }
    if let Ok(request) = cbor::decode::<SyncRequest>(bytes) {
        drop(world.relay.sync(world.now, &mut |buffer| buffer.fill(1), device.id(), request));
    }
    if let Ok(request) = cbor::decode::<CompareRequest>(bytes) {
        drop(world.relay.compare(world.now, device.id(), &request));
    }
    if let Ok(request) = cbor::decode::<EnrolRequest>(bytes) {
        drop(world.enrol(&request));
    }
    if let Ok(cursor) = cbor::decode(bytes) {
        drop(world.relay.live_page(world.now, device.id(), cursor));
    }
    drop(world.relay.authenticate(world.now, bytes));
}

fn real_requests(world: &mut World, ann: &Device) -> Vec<Vec<u8>> {
    let challenge = world.session(ann.hello()).unwrap();
    let entry = sealed(log("plan"), "a");
    let sync = SyncRequest {
        cursor: ann.cursor,
        statements: vec![ann.access(log("other"), ann.principal(), true, true).into()],
        want_entries: vec![id_of(&entry)],
        unsubscribe: vec![log("plan")],
        want_statements: vec![statement_id(&ann.credential)],
        enrolments: vec![EnrolmentAnswer { invite: InviteId::new([3; 32]), answer: vec![1] }],
        ..push(&entry)
    };
    let sum = bedside_protocol::wire::Range::ALL.sum([&id_of(&entry)]);
    vec![
        cbor::encode(&ann.hello()),
        cbor::encode(&ann.prove(&challenge)),
        cbor::encode(&sync),
        cbor::encode(&CompareRequest { ranges: vec![sum] }),
        cbor::encode(&enrolment(InviteId::new([3; 32]), "keys")),
        cbor::encode(&ann.cursor.unwrap()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_bytes_and_any_damaged_requests_are_answered(
        noise in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..120), 0..20),
        damage in proptest::collection::vec((0_usize..6, any::<prop::sample::Index>(), any::<u8>()), 0..60),
    ) {
        let (mut world, mut ann, mut ben) = two_nurses();
        for bytes in &noise {
            feed_all(&mut world, &ann, bytes);
        }
        let requests = real_requests(&mut world, &ann);
        for (which, at, byte) in damage {
            let mut bytes = requests[which].clone();
            let at = at.index(bytes.len());
            bytes[at] ^= byte;
            feed_all(&mut world, &ann, &bytes);
        }
        // Whatever came of it, an honest device still gets through.
        world.pull(&mut ben);
        let entry = sealed(log("plan"), "after the storm");
        prop_assert_eq!(&world.sync(&mut ben, push(&entry)).receipts[0].refused, &None);
        if world.sync(&mut ann, SyncRequest::default()).reset {
            world.pull(&mut ann);
        }
        world.sync(&mut ann, SyncRequest { want_entries: vec![id_of(&entry)], ..Default::default() });
        world.pull(&mut ann);
        prop_assert!(ann.held.contains(&id_of(&entry)));
    }
}
