# ruff: noqa: E501 - data: a template is one line, so that a person can read and grep it
"""Facts about language models and computing, in the format of `facts.py`."""

MODELS: str = """
## tokens
@ a token | tokens
? What is a token made of? | Are tokens the same as words? | How long is a token?
= A token is a small piece of text that a language model reads or writes. It can be a whole word, a part of a word, a space or a punctuation mark.
= Tokens are the [pieces|units] of text that a model works with. [Common|Frequent] words are often one token, and rare words are split into several.
= A token is one step of text for the model: [often|sometimes] a word, [often|sometimes] only a part of one.
@ tokenisation | tokenization
? How is text split into tokens? | What happens to my text before the model reads it? | What does the tokenizer do first?
= Tokenisation is the step that cuts text into tokens and gives each token a number. The model only sees the numbers.
= Tokenisation turns text into a list of token numbers. [It happens before the model does anything else.|Only then can the model start its work.]
@ a tokenizer
? Why does a model need a tokenizer? | Which part of the program splits the text?
= A tokenizer is the part of the program that splits text into tokens and turns tokens back into text.
= The tokenizer changes text into token numbers and numbers back into text. Each model has its own tokenizer, and the two must match.
@ byte pair encoding | BPE
? How does BPE work? | How is a BPE tokenizer trained? | What does BPE stand for?
= BPE means byte pair encoding. It starts with single bytes and again and again joins the pair that occurs most often, until the vocabulary is full.
= Byte pair encoding builds a vocabulary from the bottom up: the most frequent pair of pieces is merged into a new piece, and this is repeated thousands of times.
@ a vocabulary | the vocabulary of a model
? How many tokens does a model know? | What is the vocabulary size? | How large is your vocabulary?
= The vocabulary is the list of all tokens a model knows. Small models have a few thousand tokens, and large ones more than a hundred thousand.
= A vocabulary is the fixed set of tokens that a model can read and write. [Every token has its own number.|Each entry has a number, the token id.]
@ a special token | special tokens
? What is an end of text token? | How does a model know when to stop? | What are tokens like end for?
= Special tokens are marks that do not stand for ordinary text. They show, for example, where a message begins or where the text ends.
= A special token is a signal for the model, such as the end of a turn. When the model writes the end token, generation stops.
@ a token id | token ids
? Why do tokens have numbers? | What does the number of a token mean?
= A token id is the number of a token in the vocabulary. The model works with these numbers and not with letters.
= Each token has an id, a plain number. The id is used to look up the embedding of the token.
@ byte fallback
? What happens with characters the tokenizer does not know? | Can every text be turned into tokens?
= With byte fallback any text can be written as tokens, because a character that is not in the vocabulary is split into its bytes.
= A byte-level tokenizer never meets an unknown character. [In the worst case|If it must], it uses one token for each byte.

## model
@ a language model | language models
? What does a language model do? | How does a language model write text? | What is the job of a language model?
= A language model is a program that has learned to predict the next token of a text. By predicting again and again it can write whole sentences.
= A language model reads the text so far and gives every possible next token a probability. One of them is chosen, and then it starts again.
= Language models learn patterns from a lot of text and use them to continue a text, one token at a time.
@ a large language model | LLM | LLMs
? What does LLM stand for? | What makes a language model large? | Why are large models better than small ones?
= LLM means large language model. It is a language model with very many parameters, often billions, trained on a huge amount of text.
= A large language model is a neural network with billions of parameters that has read a great deal of text and can answer questions, write and translate.
@ a transformer | transformers | the transformer architecture
? How does a transformer work? | What is a transformer model? | What are transformers made of?
= A transformer is a neural network for sequences. It is a stack of layers, and in each layer attention lets the tokens exchange information and a feed-forward network then works on each token.
= Transformers are models that read all tokens at once. Attention decides which earlier tokens matter, and the layers build up the meaning step by step.
= A transformer turns tokens into vectors, sends them through many layers of attention and feed-forward networks, and at the end predicts the next token.
@ an embedding | embeddings
? How does a token become a vector? | What is an embedding table? | How are words turned into numbers?
= An embedding is a list of numbers that stands for a token. Tokens with similar meanings have similar embeddings.
= Embeddings are vectors that the model looks up for each token. They are learned in training, so that related words end up close together.
@ a vector | vectors
? Why do models use vectors? | What does a vector look like?
= A vector is a list of numbers. In a language model, each token is carried through the layers as a vector.
= A vector is a row of numbers, for example 0.2, 1.5 and 3. It can be seen as a point or an arrow in space.
@ positional embeddings | position embeddings
? How does a model know the order of the words? | Why does a model need positions?
= Position embeddings tell the model where each token stands in the text. Without them it could not tell the order of the words.
= Attention alone does not see the order of tokens, so the position is added to each token as a vector of its own.
@ attention | self-attention
? How does attention work? | What does attention do in a model? | Why is attention important? | What do the attention weights show?
= Attention lets each token look back at the earlier tokens and take from them what is useful. The attention weights show how strongly it looks at each one.
= In attention, every token asks a question with its query, the earlier tokens answer with their keys, and the values of the best matches are mixed together.
= Attention is the part of a transformer that moves information between tokens. [The weights add up to one.|A large weight means that a token matters.]
@ an attention head | attention heads | multi-head attention
? Why are there several heads? | What does a single head do? | What can different heads learn?
= An attention head is one separate attention inside a layer. Different heads look for different things, such as the previous word or a name that came before.
= A layer has several attention heads that work side by side. Each head has its own pattern of looking back.
@ an induction head | induction heads
? How does a model copy a pattern? | Why can a model repeat a sequence it has seen?
= An induction head finds an earlier place where the current token occurred and predicts what came after it there. That is how a model continues a repeated pattern.
= Induction heads copy: if one token was followed by another before, and the first appears again, they raise the probability of the second.
@ queries, keys and values | the query, the key and the value
? What is a query in attention? | What is a key in attention? | What are values in attention?
= Each token makes a query, a key and a value. The query is compared with the keys of the other tokens, and their values are mixed by how well they match.
= The query says what a token is looking for, the key says what it offers, and the value is what it passes on.
@ a causal mask | causal attention
? Can a token look at later tokens? | Why can the model not see the future? | Why is the upper triangle of the attention map empty?
= The causal mask hides all later tokens, so that each token can only look back. That is why half of an attention map is empty.
= In a causal model a token sees only itself and what came before it. [Otherwise it could simply read the answer.|This makes it possible to predict the next token honestly.]
@ a layer | the layers of a model
? How many layers does a model have? | What happens in each layer? | What do deeper layers do?
= A layer is one step of the calculation. In a transformer each layer has an attention part and a feed-forward part.
= Layers are stacked on top of each other. Early layers look at simple things such as spelling, and later ones at meaning.
@ the residual stream | residual connections
? Why do transformers have residual connections? | What runs through all the layers?
= The residual stream is the vector that runs through the model for each token. Every layer reads from it and adds its result to it.
= Because each layer adds to the residual stream instead of replacing it, information can flow straight from the first layer to the last.
@ layer norm | layer normalisation
? Why is layer norm used? | What does normalisation do in a layer?
= Layer norm brings the numbers of a vector to a similar scale before each part of a layer. That keeps the training stable.
= Layer normalisation subtracts the mean of a vector and divides by its spread, so that the numbers stay neither too large nor too small.
@ the feed-forward network | the MLP
? What does the feed-forward part do? | What comes after attention in a layer? | Where does a model store facts?
= The feed-forward network works on each token by itself. It makes the vector wider, applies a bend called an activation, and makes it narrow again.
= The MLP, or feed-forward network, follows the attention in each layer. Many facts that a model knows seem to be stored there.
@ an activation function
? What is GELU? | Why does a network need a bend? | What is ReLU?
= An activation function bends the numbers in a network, so that it can learn more than straight lines. GELU and ReLU are well-known ones.
= Without an activation function many layers would be no better than one. The activation makes the network able to learn complicated patterns.
@ a neural network | neural networks
? How does a neural network learn? | What is a neural net made of?
= A neural network is a program made of many simple units with adjustable weights. By changing the weights a little at a time, it learns from examples.
= Neural networks are made of layers of numbers called weights. They learn by comparing their answers with the right ones and correcting themselves.
@ a parameter | parameters | weights | the weights of a model
? How many parameters does a model have? | What is stored in a model file? | How many parameters do you have?
= Parameters are the numbers that a model learns in training. They are also called weights, and a model file mostly contains them.
= A parameter is one adjustable number in a network. I have only a few million of them, and large models have billions.
@ tied embeddings
? Why are input and output embeddings shared? | What does weight tying mean?
= With tied embeddings the same table is used to read tokens at the start and to score them at the end. This saves many parameters.
= Tied embeddings mean that input and output share one table. A small model becomes even smaller that way.
@ the hidden state | hidden states
? What is inside a model between the layers? | What is a hidden size?
= A hidden state is the vector of a token between two layers. It holds what the model has worked out so far.
= The hidden states are the numbers that flow through the model. The hidden size says how many numbers each token has.
@ a logit lens | the logit lens
? Can I see what the model thinks in the middle? | How can I look inside the layers?
= The logit lens takes the hidden state of a middle layer and reads it as if it were the last one. So you can see how the guess grows from layer to layer.
= With a logit lens you look at the predictions of every layer. Early layers guess vaguely, and later layers become sure.

## sampling
@ softmax | the softmax function
? How do logits become probabilities? | Why do we need softmax? | What makes the probabilities add up to one?
= Softmax turns a list of logits into probabilities. They are all positive, and they add up to one.
= The softmax function makes large logits into large probabilities and small ones into small probabilities. [Together they make one hundred percent.|The sum is always one.]
@ a logit | logits
? What does a model put out at the end? | What is the score of a token?
= Logits are the raw scores that a model gives to all tokens of its vocabulary. Softmax turns them into probabilities.
= A logit is the score of a token before softmax. The higher the logit, the more likely the token.
@ probability | a probability | the probabilities of the tokens
? What do the percentages mean? | What does it mean if a token has ninety percent? | Why does the program show percent numbers?
= The probability of a token says how likely the model thinks it is to come next. Ninety percent means that the model is quite sure.
= A probability is a number between zero and one. All the next tokens together add up to one, or one hundred percent.
@ temperature | the temperature | temperature in sampling
? What happens if I raise the temperature? | What does a low temperature do? | Which temperature should I use? | How does the temperature change the text?
= Temperature changes how adventurous the choice of tokens is. A low temperature makes the text safe and predictable, and a high one makes it more surprising.
= The temperature divides the logits before softmax. Below one the likely tokens become even more likely, and above one the unlikely tokens get a better chance.
= With a low temperature the model almost always takes the best token. With a high temperature it takes more risks. About 0.8 is a good start.
@ top-k | top-k sampling | top k
? What does the number k do in top-k? | What happens with top-k 40? | What happens when top-k is one?
= Top-k keeps only the k most likely tokens and throws the others away. Then one of those is drawn.
= With top-k sampling the choice is limited to a fixed number of tokens, for example the best forty. When k is one, the best token is always taken.
@ top-p | top-p sampling | nucleus sampling | top p
? How does nucleus sampling work? | What does a top-p of 0.9 mean? | What is the difference between top-k and top-p?
= Top-p keeps the smallest group of likely tokens whose probabilities together reach p. It is also called nucleus sampling.
= With top-p 0.9 the model chooses among the best tokens that together have ninety percent. If the model is sure, they are few, and if it is unsure, they are many.
@ min-p | min-p sampling | min p
? What does the min-p setting do? | How does min-p filter tokens?
= Min-p removes every token whose probability is less than a certain share of the best one. With min-p 0.1 a token needs at least a tenth of the best probability.
= Min-p sets a limit that depends on the best token. When the model is sure, the limit is high, and when it is unsure, more tokens may join in.
@ greedy decoding | greedy search | greedy
? What happens if I always take the best token? | Why does greedy text repeat itself? | Is greedy decoding random?
= Greedy decoding always takes the most likely token. The result is the same every time, but it can become dull or repeat itself.
= With greedy search nothing is left to chance: the best token wins in every step. That is good for facts and less good for stories.
@ sampling | token sampling
? How does a model choose the next token? | Why do I get a different text each time? | What does it mean to sample a token?
= Sampling means that the next token is drawn at random by its probability. Likely tokens come often, and unlikely ones come rarely.
= In sampling the model throws a weighted die for every token. That is why the same prompt can lead to different texts.
@ beam search
? What is a beam? | How does beam search differ from greedy search?
= Beam search follows several good continuations at the same time and keeps the best few. In the end the sequence with the highest total score wins.
= Beam search does not look at one token only, but keeps a few whole sentences in play. The number of them is the beam width.
@ a repetition penalty | the repetition penalty
? How can I stop the model from repeating itself? | Why does the model say the same thing again and again? | What are penalties for?
= A repetition penalty lowers the scores of tokens that have already appeared. This keeps the text from going round in circles.
= Penalties make used tokens less likely. If a text repeats itself, raise the repetition penalty a little, to about 1.1.
@ a frequency penalty | a presence penalty
? What is the difference between the frequency and the presence penalty?
= A frequency penalty grows each time a token is used again, and a presence penalty is the same for every token that has appeared at least once.
= Both penalties lower the scores of used tokens. The frequency penalty counts how often, and the presence penalty only asks whether.
@ a seed | a random seed
? How can I get the same text again? | Why does the program have a seed? | What does the seed change?
= A seed is the starting number of the random generator. With the same seed, prompt and settings you get the same text again.
= The seed fixes the chance in sampling. If you keep it, the result can be repeated, and if you change it, you get something new.
@ entropy | the entropy of a distribution
? How can I see that a model is unsure? | What does high entropy mean? | What does low entropy mean?
= Entropy measures how uncertain the model is. If one token has almost all the probability, the entropy is low, and if many are equally likely, it is high.
= High entropy means that many tokens could come next. Low entropy means that the model is nearly certain.
@ surprisal | the surprise of a token
? How is surprise measured? | When is a token surprising?
= Surprisal says how unexpected a token was. It is the negative logarithm of its probability, so rare tokens have a large surprisal.
= A token with a probability of one half has a surprisal of one bit. The less likely it is, the more bits it carries.
@ perplexity | the perplexity of a model
? What is a good perplexity? | How do we measure how well a model predicts text? | What does a perplexity of ten mean?
= Perplexity tells how well a model predicts a text. A perplexity of ten means that the model is as unsure as if it chose among ten equal tokens.
= Perplexity is the exponential of the average loss. Lower is better, and one would be perfect.
@ alternatives | alternative tokens
? What are the other tokens in the list? | What could the model have written instead? | Can I choose a different token?
= The alternatives are the tokens that the model could have chosen instead. Each is shown with its probability, and you can follow another path.
= At every step there are many alternatives. Looking at them shows how sure the model was.
@ a stop sequence | stop words
? How can I make the text end at a certain place? | When does generation end?
= A stop sequence is a piece of text that ends the generation as soon as it appears.
= Generation ends at the end token, at a stop sequence, or when the largest number of new tokens is reached.

## running
@ inference
? What does running a model mean? | What is the difference between training and inference?
= Inference means using a trained model. Nothing is learned any more; the model only calculates the next tokens.
= In training the weights change, and in inference they stay fixed. When you chat with me, that is inference.
@ the context window | context length | the context
? How much text can a model remember? | Why does the model forget the beginning? | How long is your context?
= The context window is the largest number of tokens a model can look at at once. What does not fit is forgotten.
= The context is everything the model can see: your prompt and the text so far. My window has 512 tokens.
@ the KV cache | a KV cache
? Why is the KV cache useful? | What does the cache store? | How does a cache make generation faster?
= The KV cache stores the keys and values of all earlier tokens, so that they need not be calculated again. That makes each new token much cheaper.
= With a KV cache the model only works on the newest token and looks up the rest. The cache grows with the length of the text and takes memory.
@ prefill | the prefill phase
? What happens before the first token appears? | Why does a long prompt take time at the start?
= Prefill is the first phase: the model reads the whole prompt at once and fills the KV cache. Then the decoding begins.
= In the prefill all tokens of the prompt are processed together. The longer the prompt, the longer it takes until the first token.
@ decoding | the decode phase
? What happens after the prefill? | Why is decoding slow? | How are tokens written one after another?
= Decoding is the phase in which the model writes one token after another. Each new token needs one pass through all the layers.
= In the decode phase the model makes a single token per step. The speed is often limited by how fast the weights can be read from memory.
@ quantisation | quantization
? How can a model be made smaller? | What does four-bit mean? | Does quantisation make a model worse?
= Quantisation stores the weights with fewer bits, for example eight or four instead of sixteen. The model becomes smaller and often faster, and a little less exact.
= A quantised model uses rounded numbers. It needs less memory, and the loss of quality is usually small.
@ float16 | bfloat16 | half precision
? What is the difference between float16 and float32? | Why do models use sixteen-bit numbers?
= Float16 stores a number in sixteen bits instead of thirty-two. It needs half the memory.
= Bfloat16 and float16 are short number formats. Bfloat16 can hold very large numbers, and float16 is a little more exact.
@ a GPU | GPUs | a graphics card
? Why are GPUs good for language models? | Do I need a graphics card? | What does GPU mean?
= A GPU is a graphics processor. It can do thousands of small calculations at the same time, and that suits neural networks well.
= GPUs are fast because they calculate many things side by side. Small models, such as me, also run well without one.
@ a CPU | CPUs | a processor
? Can a model run on a CPU? | What does CPU mean? | What is the brain of a computer?
= The CPU is the main processor of a computer. It carries out the instructions of the programs, one step after another and very fast.
= A CPU can run small language models quite well. Large ones are faster on a GPU.
@ RAM | memory | main memory
? What happens when the memory is full? | What does RAM mean? | Where does a computer keep what it is working on?
= RAM is the working memory of a computer. It holds the programs and data in use and is empty again when the power is off.
= RAM is the memory in which a computer keeps what it is working on. A model must fit into it to run.
? How much memory does a model need? | How much RAM do I need for a model? | How many bytes does a parameter need? | Will a model fit into my memory? | How big is a model with one billion parameters?
= A model needs about two bytes of memory per parameter in float16. So a model with one billion parameters needs about two gigabytes.
= In float16 each parameter takes two bytes. One billion parameters need about two gigabytes, and four-bit weights only about half a gigabyte.
@ streaming | token streaming
? Why does the text appear bit by bit? | Why can I watch the answer grow?
= Streaming shows each token as soon as it is made, instead of waiting for the whole answer.
= With streaming you can read along while the model is still writing. You can also stop early.
@ batching | a batch
? Why are requests put together? | What does batch size mean?
= Batching means working on several inputs at the same time. It uses the hardware better, because the weights are read only once for all of them.
= A batch is a group of examples that are processed together. A larger batch needs more memory.
@ latency
? How long does one answer take? | What is the time to first token?
= Latency is the time you wait for something. For a language model it is often the time until the first token.
= Latency says how long a single step or answer takes. Low latency feels quick.
@ throughput
? How many tokens per second are good? | What is the difference between latency and throughput? | What does tokens per second mean?
= Throughput is how much work is done per second, for example tokens per second. Latency is how long a single one takes.
= Throughput counts tokens per second. People read about five words a second, so twenty tokens per second feel comfortable.
@ speculative decoding
? How can a small model help a large one? | What is a draft model?
= In speculative decoding a small model makes a quick guess of several tokens, and the large model checks them all at once. Right guesses save time.
= A draft model guesses ahead, and the big model accepts or rejects the guesses. The result is the same, only faster.
@ a checkpoint
? Why do we save models during training? | What is in a checkpoint?
= A checkpoint is a saved state of a model. If the training stops, it can go on from there.
= A checkpoint holds the weights at one moment of the training, often together with the state of the optimiser.
@ safetensors
? In which file are the weights? | Why is safetensors safe?
= Safetensors is a file format for the weights of a model. It only contains numbers and names, so loading it cannot run any code.
= A safetensors file stores the tensors of a model in a simple and safe way, and it can be loaded very fast.
@ an API
? What is an API for? | How do programs talk to each other?
= An API is a set of rules by which one program can use another. llmtui has one, so that other programs can ask it for text.
= With an API a program sends a request and gets an answer, without a person clicking anything.
@ a server | a client
? What is the difference between a client and a server?
= A server is a program that waits for requests and answers them. The program that asks is the client.
= The client asks, and the server answers. Your browser is a client, for example.
@ a terminal | the command line
? What is a TUI? | Where do I type commands?
= A terminal is a window in which you type commands and read text. A program with windows and buttons made of text is called a TUI.
= The terminal is the text window of a computer. llmtui runs there, so it needs no browser.

## training
@ machine learning
? How do machines learn? | What is the idea of machine learning? | How does a computer learn from data?
= Machine learning is a way to make computers learn from examples instead of fixed rules. The program finds patterns in data and uses them for new cases.
= Machine learning is the art of building programs that get better with data. They are shown many examples and adjust their parameters until their answers fit.
= In machine learning nobody writes down every rule. A model sees examples, makes guesses, and is corrected until it guesses well.
@ deep learning
? What is deep about deep learning? | How is deep learning different from machine learning?
= Deep learning is machine learning with neural networks that have many layers. Each layer builds on the one before.
= Deep learning uses deep stacks of layers, so that simple features can be combined into complicated ones.
@ artificial intelligence | AI
? What is the meaning of AI? | Is a computer intelligent? | Can machines think?
= Artificial intelligence, or AI, is the attempt to make machines do things that seem to need thought, such as understanding language or playing chess.
= AI is a wide field. Machine learning is a part of it, and language models are a part of machine learning.
@ training | the training of a model
? How is a model trained? | How did you learn to write? | What happens during training?
= In training a model guesses the next token of millions of texts. After each guess its weights are changed a little, so that the right token becomes more likely.
= Training means showing a model many examples and correcting its weights step by step. It takes much longer than using the model.
@ the loss | a loss function
? How does a model know that it is wrong? | What does it mean when the loss goes down? | What is cross-entropy?
= The loss is a number that says how wrong a model is. Training tries to make it as small as possible.
= For language models the loss is called cross-entropy. It is small when the right next token had a high probability.
@ gradient descent
? How are the weights improved? | What is the way downhill in training? | How does a model find better weights?
= Gradient descent improves a model in small steps. The gradient shows in which direction the loss grows, and each step goes the other way.
= Gradient descent is like walking down a hill in fog: you feel which way is down and take a small step, again and again.
@ a gradient | gradients
? What does the slope tell us in training?
= A gradient tells how the loss changes when each weight is changed a little. It points uphill, so training goes the opposite way.
= The gradient is the slope of the loss. It has one number for each parameter.
@ backpropagation
? How are gradients calculated? | What flows backwards through the network?
= Backpropagation calculates the gradients. It goes backwards through the network and finds out how much each weight added to the error.
= In backpropagation the error is passed back from the last layer to the first, so that every weight can be corrected.
@ the learning rate
? What happens when the learning rate is too high? | How big are the steps in training?
= The learning rate says how big the steps of the training are. If it is too high, training becomes unstable, and if it is too low, it takes for ever.
= The learning rate is the step size. Usually it rises in a short warm-up and then becomes smaller and smaller.
@ an optimiser | Adam | AdamW
? Which optimiser is used for transformers? | What does an optimiser do?
= An optimiser changes the weights with the help of the gradients. AdamW is a popular one for transformers.
= AdamW is an optimiser that gives each weight its own step size and keeps the weights from growing too large.
@ an epoch
? How often does a model see the data? | What is one round of training called?
= An epoch is one full pass through the training data.
= When a model has seen every example once, one epoch is over.
@ overfitting
? What happens when a model learns by heart? | Why is too much training bad? | How can overfitting be noticed?
= Overfitting means that a model learns its training examples by heart instead of the general rule. It then does badly on new data.
= A model overfits when the training loss falls but the loss on held-out data rises. More data or earlier stopping helps.
@ generalisation
? What does it mean that a model generalises? | Why do we test with new data?
= Generalisation is the ability to do well on examples that were not in the training data.
= A model generalises when it has understood the pattern and not only the examples.
@ a data set | training data
? What do models learn from? | What was I trained on? | Where does the knowledge of a model come from?
= A data set is a collection of examples. A model can only learn what is in its training data.
= Training data is the text from which a model learns. If it is poor or one-sided, the model will be so, too.
@ a validation set | held-out data
? Why is some data held back? | What is a test set?
= A validation set is a part of the data that is not used for training. It shows how well the model does on new text.
= Held-out data is kept apart, so that we can test the model honestly.
@ fine-tuning
? How can a model be adapted to a task? | What comes after pre-training? | How is a model taught to chat?
= Fine-tuning means training a finished model a little further on special data, so that it does one task better.
= After the general training, a model can be fine-tuned with examples of good answers. That is how it learns to chat.
@ pre-training
? What is the first phase of training? | What does the P in GPT mean?
= Pre-training is the first and longest phase, in which a model learns language in general by predicting the next token.
= In pre-training a model reads very much text. Later it can be fine-tuned for special tasks.
@ LoRA | an adapter
? How can a big model be fine-tuned cheaply?
= LoRA trains only a few small extra matrices and leaves the big weights as they are. That saves memory and time.
= An adapter is a small addition to a model that is trained for one task. LoRA is the best-known kind.
@ reinforcement learning
? How do machines learn from rewards? | What is learning by trial and error called?
= In reinforcement learning a program tries things out and gets rewards for good results. Over time it learns what pays off.
= Reinforcement learning is learning by trial and error. With it, chat models are taught which answers people like.
@ distillation
? How can a small model learn from a large one?
= In distillation a small model, the student, learns to copy the predictions of a large one, the teacher.
= Distillation makes a small model out of a large one. The student is faster and almost as good at its task.
@ dropout
? Why are some units switched off in training?
= Dropout switches off some units at random during training, so that the network does not rely on any single one.
= Dropout is a remedy against overfitting. It is only used in training.
@ hallucination | hallucinations
? Why do language models make things up? | Can I trust everything a model says? | Why do you sometimes say wrong things?
= A hallucination is an answer that sounds right but is not true. Models make them because they predict likely words and do not check facts.
= Language models can be wrong and still sound sure. Important things should be checked in a good source.
@ a prompt | prompts
? How do I write a good prompt? | What is the text I type in called? | What should I tell the model first?
= A prompt is the text that you give to a model. The model continues it or answers it.
= A good prompt is clear and says what you want, in which form and how long. An example often helps.
@ a system prompt
? What does the system message do? | How can I change the way you behave?
= A system prompt is a first message that tells the model how to behave. The user usually does not see it.
= The system message sets the tone and the rules of a chat. It stands before the first question.
@ few-shot prompting | in-context learning
? Can a model learn from examples in the prompt? | What is a few-shot prompt?
= Few-shot prompting means putting a few examples into the prompt. The model sees the pattern and continues it, without any training.
= In-context learning is learning from the prompt itself. The weights do not change; the model only follows the pattern.
@ chain of thought
? Why does it help to think step by step?
= In a chain of thought the model writes down the steps before the answer. For harder questions this often helps.
= Thinking step by step gives a model more room to calculate, and mistakes are easier to see.
@ a chat template
? How are chat messages turned into one text? | What are the marks between the messages for?
= A chat template turns a list of messages into one text with special tokens, so that the model knows who is speaking.
= The chat template puts marks around each message: one for the system, one for the user and one for the assistant.
@ bias | bias in a model
? Can a model be unfair? | Where do prejudices in a model come from?
= Bias means that a model leans to one side because its training data did. It should be tested and corrected.
= A model repeats the patterns of its data, good and bad. That is why one-sided data leads to one-sided answers.
@ a benchmark
? How can two models be compared? | How do we know which model is better?
= A benchmark is a fixed set of tasks that is used to compare models.
= Benchmarks give each model the same questions and count the right answers. They show a part of the truth.
@ GPT | GPT-2
? What does GPT stand for? | Which architecture do you have? | What kind of model are you inside?
= GPT means generative pre-trained transformer. It writes text, it was trained beforehand, and it is a transformer.
= GPT-2 is a well-known transformer design. I have the same design, only much smaller.
@ Hugging Face transformers
? Which library runs the models in llmtui? | Where can I find more models?
= Transformers is a Python library from Hugging Face. It can load and run thousands of models, and llmtui uses it.
= The transformers library loads the model and the tokenizer. On the Hugging Face hub there are many larger models to try.
@ PyTorch
? Which library does the calculations? | What is PyTorch used for?
= PyTorch is a Python library for calculating with tensors. Many neural networks are built and trained with it.
= PyTorch does the mathematics of a neural network, on the CPU or on the GPU, and finds the gradients by itself.
@ a tensor | tensors
? What is a matrix? | What are the arrays in PyTorch called?
= A tensor is a block of numbers. A row of numbers is a vector, a table is a matrix, and there can be more dimensions.
= Tensors are the arrays that neural networks calculate with.

## computing
@ a computer | computers
? How does a computer work? | What can a computer do? | What is inside a computer?
= A computer is a machine that follows instructions. It takes in data, calculates with it and shows the result.
= A computer has a processor that calculates, a memory that remembers, and ways to get data in and out.
@ a program | software
? What tells a computer what to do? | What is software made of?
= A program is a list of instructions for a computer. Programs are also called software.
= Software is everything in a computer that you cannot touch: the programs and their data.
@ an algorithm | algorithms
? What is a recipe for a computer called? | What is an example of an algorithm?
= An algorithm is an exact recipe for solving a problem step by step. Sorting a list of names is an example.
= Algorithms are clear instructions that lead to a result. A cooking recipe is a bit like an algorithm.
@ a bit | bits | a byte | bytes
? How many bits are in a byte? | What is the smallest unit of information?
= A bit is the smallest unit of information: zero or one. Eight bits make a byte.
= A byte has eight bits and can hold a number from 0 to 255, or one simple letter.
@ binary numbers | the binary system
? Why do computers use zeros and ones? | How do computers count?
= The binary system uses only the digits zero and one. Computers use it because a switch can be either off or on.
= In binary, one is 1, two is 10, three is 11 and four is 100.
@ Python
? Which programming language should I learn? | What is Python good for? | In which language is llmtui written?
= Python is a programming language that is easy to read. It is used for web sites, science and machine learning, and llmtui is written in it.
= Python is a popular language with a simple style. Beginners like it, and so do experts.
@ a variable
? Where does a program keep a value?
= A variable is a name for a value in a program. The value can change while the program runs.
= You can think of a variable as a labelled box with something in it.
@ a loop
? How does a program repeat something?
= A loop repeats a part of a program, either a fixed number of times or as long as something is true.
= With a loop you write an instruction once, and the computer does it many times.
@ a function | a function in programming
? Why do programmers write functions?
= A function is a named piece of a program that takes some input, does something and gives back a result.
= Functions let you use the same code again without writing it twice.
@ a bug | debugging
? Why do programs have errors? | What is a mistake in a program called?
= A bug is a mistake in a program. Finding and removing bugs is called debugging.
= Debugging means looking for the cause of an error, step by step, until the program does what it should.
@ a database
? Where is a lot of data stored?
= A database is an ordered collection of data that can be searched quickly.
= In a database, information is stored in tables, so that programs can find and change it.
@ the internet
? How are computers all over the world connected? | Who invented the internet?
= The internet is a network that connects computers all over the world. They send each other small packets of data.
= The internet is a net of networks. The web, mail and many games use it.
@ the cloud | cloud computing
? Where are files in the cloud? | Why would I run a model locally and not in the cloud?
= The cloud means computers of other people that you use over the internet. A local model runs on your own machine, so your text stays with you.
= In cloud computing you rent computers somewhere else. It is handy, but it needs a connection.
@ open source
? Why do people share their code? | Can I read the code of llmtui?
= Open source means that everybody may read, use and change the code of a program.
= With open source software many people can learn from each other and find mistakes together.
@ encryption
? How are messages kept secret?
= Encryption turns a message into unreadable signs. Only someone with the right key can turn it back.
= With encryption a letter can travel through strange hands, and nobody can read it on the way.
@ a file | a folder
? How is data kept on a disk?
= A file is a named piece of data on a disk, such as a picture or a text. Folders keep files in order.
= Files are kept in folders, just like papers in a cupboard.
@ an operating system
? What is Linux? | Which program runs all the other programs?
= An operating system manages the computer and runs all the other programs. Linux, Windows and macOS are examples.
= Linux is an operating system that anyone may use and change. Many servers run on it.
@ a robot | robots
? What can robots do? | Are robots alive?
= A robot is a machine that can sense things and move by itself. Robots weld cars, sweep floors and explore other planets.
= Robots are machines that do work by following a program. They are not alive.
"""
