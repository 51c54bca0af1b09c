//! Starts the actors of enterprises.

use std::sync::Arc;

use actix::{Actor, Addr, ArbiterHandle, Context};
use parking_lot::RwLock;

use super::admin_authorization::AdminAuthorizationActor;
use super::credit_control::CreditControlActor;
use super::health::{Health, PanicGuard};
use super::log::Producer;
use super::planted::PlantedFault;
use super::routes::{EnterpriseActors, Routes};
use crate::domain::admin_authorization::AdminAuthorization;
use crate::domain::directory::Directory;
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::EnterpriseIndex;

/// Starts the actors of enterprises, each on the thread of its shard.
pub struct Starter {
    /// The shards' threads; none if everything runs on one.
    pub arbiters: Vec<ArbiterHandle>,
    /// How many shards.
    pub shards: usize,
    /// Their way to the log: the directory's.
    pub producer: Arc<Producer>,
    /// Where membership is noted.
    pub directory: Arc<RwLock<Directory>>,
    /// Where they are found.
    pub routes: Arc<Routes>,
    /// A fault planted on purpose.
    pub planted: Option<PlantedFault>,
    /// The engine's health.
    pub health: Arc<Health>,
}

impl Starter {
    /// Starts the actors of the next enterprise.
    pub fn start(&self, enterprise: Enterprise) {
        let Enterprise { control, authorization } = enterprise;
        let index = control.enterprise;
        let control = CreditControlActor {
            control,
            producer: Arc::clone(&self.producer),
            routes: Arc::clone(&self.routes),
            directory: Arc::clone(&self.directory),
            planted: self.planted,
            guard: self.guard("credit control"),
        };
        let authorization = self.authorization(index, authorization);
        let actors = EnterpriseActors {
            control: self.spawn(index, control),
            authorization: self.spawn(index, authorization),
        };
        self.routes.enterprises.write().push(actors);
    }

    /// Starts the authorization outside of enterprises.
    pub fn start_outside(&self, authorization: AdminAuthorization) {
        let index = EnterpriseIndex::NONE;
        let address = self.spawn(index, self.authorization(index, authorization));
        self.routes.outside.set(address).unwrap_or_else(|_| unreachable!("invariant: started once"));
    }

    fn authorization(
        &self,
        enterprise: EnterpriseIndex,
        authorization: AdminAuthorization,
    ) -> AdminAuthorizationActor {
        let guard = self.guard("authorization");
        AdminAuthorizationActor { enterprise, authorization, producer: Arc::clone(&self.producer), guard }
    }

    fn guard(&self, name: &'static str) -> PanicGuard {
        PanicGuard { health: Arc::clone(&self.health), name }
    }

    fn spawn<A>(&self, enterprise: EnterpriseIndex, actor: A) -> Addr<A>
    where
        A: Actor<Context = Context<A>> + Send,
    {
        match self.arbiters.get(enterprise.shard(self.shards)) {
            Some(arbiter) => A::start_in_arbiter(arbiter, |_| actor),
            None => actor.start(),
        }
    }
}
