//! Pairing over real connections, by every way.

use tokio::sync::mpsc;
use verso_pairing::{NearbyCode, OfferStatus, Paired, PairingError, Words};
use verso_transport::DialError;
use verso_trust::PairingWay;
use verso_worker::{Answer, OutcomeState, PairError, PairingEvent, PairingOffer};

use crate::rig::{Device, join, link_of, offer, pair, show};

#[tokio::test]
async fn both_confirm_and_are_paired() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    pair(&laptop, &phone).await;
}

#[tokio::test]
async fn a_link_is_good_for_one_device() {
    let (laptop, phone, thief) = (Device::new("laptop").await, Device::new("phone").await, Device::new("thief").await);
    let open = offer(&laptop).await;
    let link = link_of(&open);
    let (_, joined) = tokio::join!(show(open), join(&phone, &link));
    joined.unwrap();
    assert!(matches!(join(&thief, &link).await, Err(PairError::Ceremony(_) | PairError::Dial(_))));
    assert!(
        thief.handle.read(|replica| replica.provisional_peers(verso_replica::Now::default()).count()).await == Some(0)
    );
}

#[tokio::test]
async fn no_is_no() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    let mut open = offer(&laptop).await;
    let link = link_of(&open);
    let refuse = async {
        loop {
            match open.next().await.unwrap() {
                PairingEvent::Confirm { answer, .. } => drop(answer),
                PairingEvent::Failed(_) => {}
                PairingEvent::Over(status) => return status,
                other => panic!("{other:?}"),
            }
        }
    };
    let (status, joined) = tokio::join!(refuse, join(&phone, &link));
    assert_eq!(status, OfferStatus::Declined);
    assert!(joined.is_err());
}

/// What was agreed is good for syncing.
async fn sync(one: &Device, other: &Device) {
    const WAIT: std::time::Duration = std::time::Duration::from_secs(10);
    let (first, second) = tokio::join!(one.handle.sync_once(WAIT), other.handle.sync_once(WAIT));
    let states: Vec<_> = first.iter().chain(&second).map(|outcome| outcome.state).collect();
    assert_eq!(states, [OutcomeState::InStep; 2], "{first:?} {second:?}");
}

fn words_of(offer: &PairingOffer) -> (Words, Vec<std::net::SocketAddr>) {
    offer.with_words(|words, at| (words.to_string().parse().unwrap(), at.to_vec())).unwrap()
}

/// Answers whatever the joining side asks.
async fn join_by_words(device: &Device, offer: (Words, Vec<std::net::SocketAddr>)) -> Result<Paired, PairError> {
    let (sender, mut events) = mpsc::unbounded_channel();
    let (words, at) = offer;
    let joining = device.handle.join_by_words(words, &at, &sender);
    tokio::pin!(joining);
    loop {
        tokio::select! {
            joined = &mut joining => return joined,
            Some(event) = events.recv() => match event {
                PairingEvent::Confirm { answer, .. } => answer.send(Answer::Yes).unwrap(),
                other => panic!("{other:?}"),
            },
        }
    }
}

/// Six words pair two devices that sync from then on; the endpoint is gone with the offer.
#[tokio::test]
async fn six_words_pair_two_devices() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    let open = offer(&laptop).await;
    let words = words_of(&open);
    let again = words_of(&open);
    let (shown, joined) = tokio::join!(show(open), join_by_words(&phone, words));
    assert_eq!(shown.device, phone.handle.device());
    let joined = joined.unwrap();
    assert_eq!((joined.device, joined.name.as_str()), (laptop.handle.device(), "laptop"));
    let ways = |replica: &verso_worker::HostReplica<_>| {
        replica.provisional_peers(verso_replica::Now::default()).map(|peer| peer.way).collect::<Vec<_>>()
    };
    assert_eq!(laptop.handle.read(ways).await.unwrap(), [PairingWay::Words]);
    assert_eq!(phone.handle.read(ways).await.unwrap(), [PairingWay::Words]);
    sync(&laptop, &phone).await;

    let thief = Device::new("thief").await;
    let (sender, _events) = mpsc::unbounded_channel();
    let late = thief.handle.join_by_words(again.0, &again.1, &sender);
    let late = tokio::time::timeout(std::time::Duration::from_secs(2), late).await;
    assert!(!matches!(late, Ok(Ok(_))), "nobody answers there any more");
}

/// Words that are not those of the offer lead to an endpoint that isn't there; the offer stands.
#[tokio::test]
async fn other_words_find_nobody() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    let open = offer(&laptop).await;
    let (words, at) = words_of(&open);
    let other = Words::new(&zeroize::Zeroizing::new([7; 8]));
    let lost = join_by_words(&phone, (other, at.clone())).await.unwrap_err();
    assert!(matches!(lost, PairError::Dial(DialError::WrongDevice)), "{lost:?}");
    let nowhere = Words::new(&zeroize::Zeroizing::new([7; 8]));
    let nowhere = join_by_words(&phone, (nowhere, Vec::new())).await.unwrap_err();
    assert!(matches!(nowhere, PairError::Dial(DialError::NoAddress)), "{nowhere:?}");
    let (_, joined) = tokio::join!(show(open), join_by_words(&phone, (words, at)));
    joined.unwrap();
}

/// Notes what a screen shows, and that it asks for the code of the other.
fn compare(event: PairingEvent, own: &mut Option<NearbyCode>, asked: &mut Option<PairingEvent>) {
    if let PairingEvent::Compare { code, .. } = &event {
        *own = Some(*code);
        *asked = Some(event);
    }
}

/// Both people type what the other's screen shows, one of them wrong at first.
#[tokio::test]
async fn nearby_devices_pair_by_codes_that_cross() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    let mut open = offer(&laptop).await;
    let (sender, mut events) = mpsc::unbounded_channel();
    let at = laptop.handle.addresses();
    let joining = phone.handle.join_nearby(laptop.handle.device(), &at, &sender);
    tokio::pin!(joining);
    let (mut on_laptop, mut on_phone) = (None, None);
    let (mut asks_laptop, mut asks_phone) = (None, None);
    while on_laptop.is_none() || on_phone.is_none() {
        tokio::select! {
            joined = &mut joining => panic!("{joined:?}"),
            Some(event) = open.next(), if on_laptop.is_none() => compare(event, &mut on_laptop, &mut asks_laptop),
            Some(event) = events.recv(), if on_phone.is_none() => compare(event, &mut on_phone, &mut asks_phone),
        }
    }
    let (on_laptop, on_phone) = (on_laptop.unwrap(), on_phone.unwrap());
    type_code(asks_laptop, on_laptop, None);
    type_code(asks_phone, on_laptop, None);
    let (mut shown, mut joined) = (None, None);
    while shown.is_none() || joined.is_none() {
        tokio::select! {
            outcome = &mut joining, if joined.is_none() => joined = Some(outcome.unwrap()),
            Some(event) = open.next(), if shown.is_none() => match event {
                event @ PairingEvent::Compare { .. } => type_code(Some(event), on_phone, Some(2)),
                PairingEvent::Confirm { answer, .. } => answer.send(Answer::Yes).unwrap(),
                PairingEvent::Paired(paired) => shown = Some(paired),
                other => panic!("{other:?}"),
            },
            Some(event) = events.recv() => match event {
                PairingEvent::Confirm { answer, .. } => answer.send(Answer::Yes).unwrap(),
                other => panic!("{other:?}"),
            },
        }
    }
    assert_eq!((shown.unwrap().device, joined.unwrap().device), (phone.handle.device(), laptop.handle.device()));
    sync(&laptop, &phone).await;
}

fn type_code(asked: Option<PairingEvent>, code: NearbyCode, expected: Option<u8>) {
    let Some(PairingEvent::Compare { left, answer, .. }) = asked else { panic!("nothing was asked") };
    assert_eq!(left, expected);
    answer.send(code).unwrap();
}

/// Nobody types: the person at the screen turns away, and the offer stands for those who hold the link.
#[tokio::test]
async fn a_nearby_stranger_is_turned_away() {
    let (laptop, stranger, phone) =
        (Device::new("laptop").await, Device::new("stranger").await, Device::new("phone").await);
    let mut open = offer(&laptop).await;
    let link = link_of(&open);
    let (sender, _events) = mpsc::unbounded_channel();
    let at = laptop.handle.addresses();
    let turn_away = async {
        loop {
            match open.next().await.unwrap() {
                PairingEvent::Compare { answer, .. } => drop(answer),
                PairingEvent::Failed(error) => return error,
                other => panic!("{other:?}"),
            }
        }
    };
    let (turned_away, joined) =
        tokio::join!(turn_away, stranger.handle.join_nearby(laptop.handle.device(), &at, &sender));
    assert_eq!(turned_away, PairingError::Refused);
    assert!(matches!(joined, Err(PairError::Ceremony(PairingError::PeerRefused(_)))), "{joined:?}");
    let (_, joined) = tokio::join!(show(open), join(&phone, &link));
    joined.unwrap();
}
