//! A GGUF model on llama.cpp: the chat format, decoding, sampling under a grammar. What a text holds is never taken for
//! a marker of the chat format.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::{LlamaChatMessage, LlamaChatTemplate, LlamaModel};
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

use crate::protocol::{Line, Order};

/// Tokens that are read in one step.
const BATCH: usize = 512;
/// Small models repeat themselves; this much (1 is not at all) keeps them from it.
const REPEAT_PENALTY: f32 = 1.1;
const REPEAT_LAST: i32 = 128;
const SYSTEM_MARK: &str = "<<system text goes here>>";
const USER_MARK: &str = "<<user text goes here>>";

/// The command line.
#[derive(Debug)]
pub(crate) struct Settings {
    model: PathBuf,
    context_tokens: u32,
    threads: i32,
}

impl Settings {
    pub(crate) fn from_args(mut args: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let (mut model, mut context_tokens, mut threads) = (None, 4096, 1);
        while let Some(flag) = args.next() {
            let value = args.next().ok_or("every flag needs a value")?;
            let number = || value.to_str().and_then(|text| text.parse().ok()).filter(|number| *number > 0);
            match flag.to_str() {
                Some("--model") => model = Some(PathBuf::from(value)),
                Some("--context-tokens") => {
                    context_tokens = number().ok_or("--context-tokens needs a number")?
                }
                Some("--threads") => threads = number().ok_or("--threads needs a number")?,
                _ => return Err(format!("there is no flag {}", flag.display())),
            }
        }
        let model = model.ok_or("usage: telecine-writer --model FILE [--context-tokens N] [--threads N]")?;
        Ok(Self { model, context_tokens, threads: threads.min(256) as i32 })
    }
}

/// The model, ready to write.
pub(crate) struct Model {
    model: &'static LlamaModel,
    context: LlamaContext<'static>,
    /// What of the last order lies in the context already: texts about the same video begin alike.
    read: Vec<LlamaToken>,
    template: LlamaChatTemplate,
}

impl Model {
    pub(crate) fn load(settings: &Settings) -> Result<Self, String> {
        // Neither is ever freed: they live as long as the process.
        let backend: &'static LlamaBackend =
            Box::leak(Box::new(LlamaBackend::init().map_err(|error| error.to_string())?));
        let params = LlamaModelParams::default().with_n_gpu_layers(0);
        if !settings.model.is_file() {
            return Err("the file is not there".to_owned());
        }
        let model = LlamaModel::load_from_file(backend, &settings.model, &params)
            .map_err(|_| "the file is not a model that llama.cpp can read".to_owned())?;
        let model: &'static LlamaModel = Box::leak(Box::new(model));
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(settings.context_tokens))
            .with_n_batch(BATCH as u32)
            .with_n_ubatch(BATCH as u32)
            .with_n_threads(settings.threads)
            .with_n_threads_batch(settings.threads);
        let context = model.new_context(backend, params).map_err(|error| error.to_string())?;
        let chatml = || LlamaChatTemplate::new("chatml").map_err(|error| error.to_string());
        let template = model.chat_template(None).or_else(|_| chatml())?;
        Ok(Self { model, context, read: Vec::new(), template })
    }

    /// Writes one text. Only a listener that is gone is an error; all else is told to it.
    pub(crate) fn write(
        &mut self,
        order: &Order,
        say: &mut dyn FnMut(&str) -> std::io::Result<()>,
    ) -> std::io::Result<Line> {
        let prompt = match self.prompt(order) {
            Ok(prompt) => prompt,
            Err(why) => return Ok(Line::Failed(why)),
        };
        let (given, limit) =
            (prompt.len() as u64 + u64::from(order.max_tokens), u64::from(self.context.n_ctx()));
        if given > limit {
            return Ok(Line::TooLong { given, limit });
        }
        let mut sampler = match Sampler::new(self.model, order) {
            Ok(sampler) => sampler,
            Err(why) => return Ok(Line::Failed(why)),
        };
        if let Err(why) = self.read(&prompt) {
            return Ok(Line::Failed(why));
        }
        let mut pieces = Pieces::default();
        let mut output_tokens = 0;
        let mut finish = "length";
        while output_tokens < u64::from(order.max_tokens) {
            let token = sampler.next(&self.context);
            if self.model.vocab().is_eog(token) {
                finish = "stop";
                break;
            }
            output_tokens += 1;
            if let Some(text) = pieces.add(&self.model.vocab().token_to_piece(token, false, None)) {
                say(&text)?;
            }
            if let Err(why) = self.decode(&[token]) {
                return Ok(Line::Failed(why));
            }
        }
        Ok(Line::Done { finish, input_tokens: prompt.len() as u64, output_tokens })
    }

    /// The order in the model's chat format, as tokens. The format's own markers are special; the texts are not.
    fn prompt(&self, order: &Order) -> Result<Vec<LlamaToken>, String> {
        let message = |role: &str, text: &str| {
            LlamaChatMessage::new(role.to_owned(), text.to_owned()).map_err(|error| error.to_string())
        };
        let messages = [message("system", SYSTEM_MARK)?, message("user", USER_MARK)?];
        let format = self.model.apply_chat_template(&self.template, &messages, true);
        let format = match format {
            Ok(format) => format,
            // A format that llama.cpp does not know.
            Err(_) => {
                let chatml = LlamaChatTemplate::new("chatml").map_err(|error| error.to_string())?;
                self.model.apply_chat_template(&chatml, &messages, true).map_err(|error| error.to_string())?
            }
        };
        let (before, rest) =
            format.split_once(SYSTEM_MARK).ok_or("the chat format drops the system's text")?;
        let (between, after) = rest.split_once(USER_MARK).ok_or("the chat format drops the user's text")?;
        let vocab = self.model.vocab();
        let parts = [
            (before, true),
            (order.system.as_str(), false),
            (between, true),
            (order.user.as_str(), false),
            (after, true),
        ];
        let mut tokens = Vec::new();
        for (number, (text, is_format)) in parts.into_iter().enumerate() {
            let begins = number == 0 && vocab.should_add_bos();
            tokens.extend(vocab.tokenize(text.as_bytes(), begins, is_format));
        }
        Ok(tokens)
    }

    /// Brings the context to hold exactly the prompt.
    fn read(&mut self, prompt: &[LlamaToken]) -> Result<(), String> {
        let same = self.read.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        // The last one must be decoded in any case: what follows it is what is wanted.
        let same = same.min(prompt.len().saturating_sub(1));
        let kept = self.context.clear_kv_cache_seq(Some(0), Some(same as u32), None).unwrap_or(false);
        let same = if kept {
            same
        } else {
            self.context.clear_kv_cache();
            0
        };
        self.read.truncate(same);
        prompt[same..].chunks(BATCH).try_for_each(|part| self.decode(part))
    }

    fn decode(&mut self, tokens: &[LlamaToken]) -> Result<(), String> {
        let mut batch = LlamaBatch::new(tokens.len().max(1), 1);
        for (number, token) in tokens.iter().enumerate() {
            let place = (self.read.len() + number) as i32;
            let is_last = number + 1 == tokens.len();
            batch.add(*token, place, &[0], is_last).map_err(|error| error.to_string())?;
        }
        self.context.decode(&mut batch).map_err(|error| error.to_string())?;
        self.read.extend_from_slice(tokens);
        Ok(())
    }
}

/// Picks the next token. The grammar looks at the picked one first, for looking at all of them takes long.
struct Sampler {
    /// What stands where nothing can be picked.
    end: LlamaToken,
    picker: LlamaSampler,
    grammar: Option<LlamaSampler>,
}

impl Sampler {
    fn new(model: &LlamaModel, order: &Order) -> Result<Self, String> {
        let mut steps = vec![LlamaSampler::penalties(model.n_vocab(), REPEAT_LAST, REPEAT_PENALTY, 0.0, 0.0)];
        if order.temperature > 0.0 {
            steps.push(LlamaSampler::top_k(40));
            steps.push(LlamaSampler::top_p(0.95, 1));
            steps.push(LlamaSampler::min_p(0.05, 1));
            steps.push(LlamaSampler::temp(order.temperature));
            steps.push(LlamaSampler::dist(order.seed));
        } else {
            steps.push(LlamaSampler::greedy());
        }
        let grammar = order.grammar.as_deref().map(|grammar| LlamaSampler::grammar(model, grammar, "root"));
        let grammar = grammar.transpose().map_err(|error| format!("the grammar is refused: {error}"))?;
        Ok(Self { end: model.vocab().eos(), picker: LlamaSampler::chain_simple(steps), grammar })
    }

    fn next(&mut self, context: &LlamaContext<'_>) -> LlamaToken {
        let mut all = context.token_data_array();
        all.apply_sampler(&mut self.picker);
        let mut token = all.selected_token().unwrap_or(self.end);
        if let Some(grammar) = &mut self.grammar {
            let mut one = LlamaTokenDataArray::new(vec![LlamaTokenData::new(token, 1.0, 0.0)], false);
            grammar.apply(&mut one);
            if one.data[0].logit().is_infinite() {
                let mut allowed = context.token_data_array();
                grammar.apply(&mut allowed);
                allowed.apply_sampler(&mut self.picker);
                token = allowed.selected_token().unwrap_or(self.end);
            }
            grammar.accept(token);
        }
        self.picker.accept(token);
        token
    }
}

/// Bytes of tokens to text: a letter may lie in several tokens.
#[derive(Default)]
struct Pieces {
    rest: Vec<u8>,
}

impl Pieces {
    fn add(&mut self, bytes: &[u8]) -> Option<String> {
        self.rest.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.rest) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            // Not text at all: shown as such.
            Err(_) => self.rest.len(),
        };
        let text = String::from_utf8_lossy(&self.rest[..whole]).into_owned();
        self.rest.drain(..whole);
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_in_two_tokens_is_said_once_it_is_whole() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.add(b"a\xc3"), Some("a".to_owned()));
        assert_eq!(pieces.add(b"\xbc!"), Some("\u{fc}!".to_owned()));
        assert_eq!(pieces.add(b"\xff."), Some("\u{fffd}.".to_owned()));
    }
}
