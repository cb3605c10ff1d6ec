//! Waiting with `single_flight`: a follower gets the leader's value, the leader's error, or the turn itself.

use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;
use std::time::Instant;

use super::super::codec::value::Codec;
use super::super::namespace::Namespace;
use super::super::turns::{Failed, Role, Run, Waited};
use super::super::{Store, Ticket};
use super::totals::Missed;
use super::{SharedCall, SharedMiss, SharedPending, noted};
use crate::flight::{Failure, deadline};
use crate::info::Outcome;

impl SharedPending {
    /// Waits for the value or for the turn, no longer than the limit.
    ///
    /// # Errors
    /// A miss, when the caller has got the turn or has reached the limit: it then runs the function.
    pub async fn wait<V>(
        self,
        limit: Option<Duration>,
        codec: Codec<V>,
    ) -> Result<(Result<V, Failure>, Outcome), SharedMiss> {
        let deadline = deadline(limit);
        match self {
            Self::Run(miss) => Err(miss),
            Self::Join(call, near, joined) => {
                let (cache, sampled) = (call.cache, call.sampled());
                let calls = &cache.ledger().calls;
                if matches!(joined, Role::Wait(_)) {
                    calls.waits.fetch_add(1, Relaxed);
                }
                let found = call.joined(near, joined, deadline, codec).await;
                match &found {
                    Ok((Ok(_), _)) => cache.count_hit(sampled),
                    Ok((Err(_), _)) => cache.count_miss(sampled, true),
                    Err(miss) => cache.count_miss(sampled, miss.is_seen()),
                }
                cache.tell_soon();
                found
            }
        }
    }
}

impl SharedCall {
    /// Waits for the value or for the turn.
    async fn joined<V>(
        self,
        near: Option<Ticket>,
        mut joined: Role,
        deadline: Option<Instant>,
        codec: Codec<V>,
    ) -> Result<(Result<V, Failure>, Outcome), SharedMiss> {
        let waited = |value: V| (Ok(value), Outcome::Waited);
        let mut call = self;
        let mut turn = loop {
            let run = match joined {
                Role::Within => {
                    return call.get_far(near, codec).await.map(|value| (Ok(value), Outcome::Hit));
                }
                Role::Turn(turn) => break turn,
                Role::Wait(seat) => match seat.wait(call.caller, deadline).await {
                    Waited::Late => return call.get_far(near, codec).await.map(waited),
                    Waited::Turn(turn) => break turn,
                    Waited::Value(run) => run,
                    Waited::Error(failed) => match call.failed(failed, near, codec).await {
                        Ok(answer) => return answer,
                        Err(again) => {
                            call = again;
                            let Some(key) = &call.key else {
                                return Err(call.cache.miss(call.caller, None));
                            };
                            joined = call.cache.turns.join(key);
                            continue;
                        }
                    },
                },
            };
            match call.waited(&run, codec).await {
                Ok(found) => return found.map(waited),
                Err(again) => call = again,
            }
            let Some(key) = &call.key else { return Err(call.cache.miss(call.caller, None)) };
            joined = call.cache.turns.join(key);
        };
        noted(turn.lease(&call.cache.space, call.caller, deadline).await);
        // Another process may have computed the value meanwhile.
        let found = call.get_far(near, codec).await.map(waited);
        found.map_err(|miss| SharedMiss { turn: Some(turn), ..miss })
    }
}

impl SharedCall {
    /// Ends a follower's call with the leader's error, or with a value that is stored by now.
    ///
    /// # Errors
    /// The call itself, when the run is outdated: then the call begins again.
    async fn failed<V>(
        self,
        Failed { error, since }: Failed,
        near: Option<Ticket>,
        codec: Codec<V>,
    ) -> Result<Result<(Result<V, Failure>, Outcome), SharedMiss>, Self> {
        let Self { cache, key, caller, tags } = self;
        let Some(key) = key else { return Ok(Ok((Err(error), Outcome::Waited))) };
        let (key, is_current) = match since {
            Some(since) => {
                cache.ask(caller, key, move |store, space, key| store.is_current(space, key, since)).await
            }
            None => (key, None),
        };
        let call = Self { cache, key: Some(key), caller, tags };
        if is_current == Some(false) {
            return Err(call);
        }
        let answer = call.get_far(near, codec).await.map_err(|_| error);
        Ok(Ok((answer, Outcome::Waited)))
    }

    /// Ends a follower's call with the leader's value: a hit, even if the value could not be stored.
    ///
    /// # Errors
    /// The call itself, when the run is outdated: its key was cleared or invalidated during the run, perhaps before
    /// this call.
    async fn waited<V>(self, run: &Run, codec: Codec<V>) -> Result<Result<V, SharedMiss>, Self> {
        let Self { cache, key, caller, .. } = self;
        let decoded = || Ok(cache.decode_alone(&run.bytes, codec).ok_or_else(|| cache.miss(caller, None)));
        let Some(key) = key else { return decoded() };
        let since = run.since;
        let hit = move |store: &dyn Store, space: &Namespace, key: &[u8]| {
            if let Some(stored) = store.get_if_present(space, key)? {
                return Ok(Awaited::Stored(stored));
            }
            if since.map_or(Ok(true), |since| store.is_current(space, key, since))? {
                return store.count_hit(space).map(|()| Awaited::Unstored);
            }
            Ok(Awaited::Outdated)
        };
        match cache.ask(caller, key, hit).await {
            (key, Some(Awaited::Stored(stored))) => Ok(cache.decode(caller, key, &stored, None, codec).await),
            (key, Some(Awaited::Outdated)) => Err(Self { cache, key: Some(key), caller, tags: Vec::new() }),
            (key, Some(Awaited::Unstored)) if !cache.is_current(caller, &run.bytes).await => {
                Err(Self { cache, key: Some(key), caller, tags: Vec::new() })
            }
            (_, None) => {
                cache.count_unseen_hit();
                decoded()
            }
            (_, Some(Awaited::Unstored)) => decoded(),
        }
    }
}

/// What the store says about a follower's value.
enum Awaited {
    Stored(Vec<u8>),
    /// The value is not stored, but current.
    Unstored,
    Outdated,
}
