//! The unified list: a shard answers from its accounts in place, between parts of a drain (rule A8).

use std::sync::Arc;

use actix::{Context, Handler, Message};

use super::log::Release;
use super::questions::{Listed, Question};
use super::shard::Shard;

/// Questions wait beside the inbox.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Answer;

impl Handler<Answer> for Shard {
    type Result = ();

    fn handle(&mut self, _: Answer, context: &mut Context<Self>) {
        self.answer_questions(usize::MAX);
        self.finish_turn(context);
    }
}

impl Shard {
    /// Answers what is asked, at most so many questions, as durable as what was recorded before: one look where nobody asks.
    #[inline]
    pub(super) fn answer_questions(&mut self, most: usize) {
        if self.inbox.questions.are_waiting() {
            self.answer_those_waiting(most);
        }
    }

    #[cold]
    fn answer_those_waiting(&mut self, most: usize) {
        let inbox = Arc::clone(&self.inbox);
        for _ in 0..most {
            let Some(question) = inbox.questions.take(self.accounts.len()) else { break };
            let listed = self.list(&question);
            // Whoever no longer waits for the answer doesn't need it.
            let reply = move || drop(question.reply.send(listed));
            self.resident.log.releases.push(Release::Reply(Box::new(reply)));
        }
        // What the answers show goes to the disk with the next block.
        self.finish_record();
        self.producer.hurry(&mut self.resident.log);
    }

    fn list(&self, question: &Question) -> Listed {
        let slots = question.from..question.until;
        let mut selected = self.index.select(question.filter, question.enterprise, slots);
        let account = |slot: usize| &self.accounts[slot].account;
        let views = selected.by_ref().take(question.limit).map(|slot| account(slot).view()).collect();
        Listed { views, next: selected.next().map(|slot| account(slot).index) }
    }
}
