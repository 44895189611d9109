//! Pairing by link over a real connection.

use verso_pairing::OfferStatus;
use verso_worker::{PairError, PairingEvent};

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
