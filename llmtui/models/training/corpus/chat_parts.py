"""How people ask, and how the model answers: the templates of chats and questions."""

# about a term: {t}, or {T} with a capital
ABOUT_ONE: list[str] = [
    "What is {t}?",
    "What is {t}?",
    "Explain {t}.",
    "Explain {t} briefly.",
    "Tell me about {t}.",
    "What does {t} mean?",
    "Can you explain {t}?",
    "What do you know about {t}?",
    "Describe {t}.",
    "How would you explain {t}?",
    "Please explain {t} to me.",
    "Give me a short explanation of {t}.",
    "I do not understand {t}.",
    "Define {t}.",
    "In simple words, what is {t}?",
    "Could you tell me what {t} means?",
    "What exactly is {t}?",
    "{T}?",
    "I want to learn about {t}.",
    "What is meant by {t}?",
    "Explain {t} in simple words.",
    "Explain {t} to a child.",
    "Say something about {t}.",
    "Do you know what {t} is?",
    "I have heard of {t}. What is it?",
    "What is the point of {t}?",
    "Why do we need {t}?",
    "What is {t} for?",
    "What is {t} good for?",
    "How does {t} work?",
    "What does {t} do?",
    "Can you give me a quick explanation of {t}?",
    "Help me understand {t}.",
    "I keep hearing about {t}.",
    "Teach me about {t}.",
    "Is {t} important?",
    "{T}, please",
    "{T} explained simply",
    "Meaning of {t}",
    "Definition of {t}?",
    "What do people mean by {t}?",
    "What is {t} in one sentence?",
    "Could you describe {t} in a few words?",
    "What role does {t} play?",
    "Give me an idea of {t}.",
    "What happens in {t}?",
    "What can you say about {t}?",
]
ABOUT_MANY: list[str] = [
    "What are {t}?",
    "What are {t}?",
    "Explain {t}.",
    "Explain {t} briefly.",
    "Tell me about {t}.",
    "Can you explain {t}?",
    "What do you know about {t}?",
    "Describe {t}.",
    "Please explain {t} to me.",
    "I do not understand {t}.",
    "In simple words, what are {t}?",
    "What exactly are {t}?",
    "{T}?",
    "I want to learn about {t}.",
    "What is meant by {t}?",
    "Explain {t} in simple words.",
    "Say something about {t}.",
    "How do {t} work?",
    "What are {t} good for?",
    "What is the point of {t}?",
    "Why do we need {t}?",
    "What are {t} for?",
    "What do {t} do?",
    "Help me understand {t}.",
    "I keep hearing about {t}.",
    "Teach me about {t}.",
    "{T}, please",
    "{T} explained simply",
    "Meaning of {t}",
    "What do people mean by {t}?",
    "What are {t} in one sentence?",
    "Could you describe {t} in a few words?",
    "What can you say about {t}?",
]

# around a question
LEAD_INS: list[str] = [
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "Hi! ",
    "Hello! ",
    "Please tell me: ",
    "I have a question. ",
    "One question: ",
    "Tell me, ",
    "I wonder: ",
    "Hey, ",
    "Excuse me, ",
    "Quick question: ",
    "Now tell me: ",
    "Good morning! ",
    "Next question: ",
]
AFTERTHOUGHTS: list[str] = [
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    " Thank you!",
    " Please.",
    " Please be brief.",
    " I want to know.",
    " Keep it short.",
    " In one or two sentences, please.",
    " Thanks!",
    " I am curious.",
    " I need it for school.",
    " I have a test tomorrow.",
    " My son asked me that.",
    " I am new to this.",
    " Just a short answer.",
]
INDIRECT: list[str] = [
    "Can you tell me {r}?",
    "Do you know {r}?",
    "I would like to know {r}.",
    "Please explain {r}.",
    "I wonder {r}.",
    "Could you explain {r}?",
    "Tell me {r}.",
    "I want to understand {r}.",
    "Please tell me {r}.",
    "Can you explain {r}?",
    "I never understood {r}.",
    "My friend asked me {r}.",
    "I am not sure {r}.",
]
CONTRACTIONS: list[tuple[str, str]] = [
    ("do not", "don't"),
    ("I am", "I'm"),
    ("cannot", "can't"),
    ("What is", "What's"),
    ("what is", "what's"),
    ("is not", "isn't"),
    ("I have", "I've"),
    ("does not", "doesn't"),
    ("I would", "I'd"),
    ("Who is", "Who's"),
    ("that is", "that's"),
]

# tables: capitals, opposites, animals and so on
CAPITAL_QUESTIONS: list[str] = [
    "What is the capital of {c}?",
    "What is the capital of {c}?",
    "Which city is the capital of {c}?",
    "Name the capital of {c}.",
    "Do you know the capital of {c}?",
    "The capital of {c}?",
    "Tell me the capital of {c}.",
    "What's the capital city of {c}?",
    "What is {c}'s capital?",
    "{c} capital?",
    "I need the capital of {c}.",
    "Which city is {c}'s capital?",
    "I forgot the capital of {c}.",
    "And the capital of {c}?",
    "What about {c}? What is its capital?",
    "Is there a capital of {c}? Which one?",
    "Tell me {c}'s capital.",
]
CAPITAL_ANSWERS: list[str] = [
    "The capital of {c} is {t}.",
    "The capital of {c} is {t}.",
    "{t} is the capital of {c}.",
    "It is {t}.",
]
OPPOSITE_QUESTIONS: list[str] = [
    "What is the opposite of {a}?",
    "What is the opposite of {a}?",
    "Tell me the opposite of {a}.",
    "Give me the opposite of the word {a}.",
    "Opposite of {a}?",
    "What means the opposite of {a}?",
    "What is the contrary of {a}?",
    "Which word is the opposite of {a}?",
    "Do you know the opposite of {a}?",
    "Not {a}, but?",
]
OPPOSITE_ANSWERS: list[str] = [
    "The opposite of {a} is {b}.",
    "The opposite of {a} is {b}.",
    "It is {b}.",
]
SOUND_QUESTIONS: list[str] = [
    "What does a {a} say?",
    "What sound does a {a} make?",
    "How does a {a} sound?",
    "What does the {a} say?",
    "What is the sound of a {a}?",
    "Which sound does the {a} make?",
]
LEGS_QUESTIONS: list[str] = [
    "How many legs does a {a} have?",
    "How many legs has a {a}?",
    "Tell me how many legs a {a} has.",
]
COLOUR_QUESTIONS: list[str] = [
    "What colour is {a}?",
    "Which colour does {a} have?",
    "What is the colour of {a}?",
]
YOUNG_QUESTIONS: list[str] = [
    "What is a young {a} called?",
    "What is a baby {a} called?",
    "What do you call a young {a}?",
]
KINDS_QUESTIONS: list[str] = [
    "Name three kinds of {s}.",
    "Give me three examples of {k}.",
    "Can you name three examples of {k}?",
]
PLUS_QUESTIONS: list[str] = [
    "How much do {a} and {b} make?",
    "Add {a} and {b}.",
    "What is the sum of {a} and {b}?",
    "Put {a} and {b} together.",
]
MINUS_QUESTIONS: list[str] = [
    "What do you get if you take {b} from {a}?",
    "Take {b} away from {a}.",
    "What is left if I take {b} from {a}?",
    "Subtract {b} from {a}.",
]
SUM_QUESTIONS: list[str] = [
    "What is {}?",
    "What is {}?",
    "How much is {}?",
    "{}?",
    "Calculate {}.",
    "Please work out {}.",
    "{} =",
    "What's {}?",
    "Can you work out {}?",
    "Solve {}.",
    "And {}?",
    "What does {} make?",
]

# wishes for a story
STORY_ABOUT: list[str] = [
    "Tell me a story about {x}.",
    "Tell me a story about {x}.",
    "Tell me a story about {x}",
    "Write a story about {x}.",
    "Can you tell me a story about {x}?",
    "I would like a story about {x}.",
    "A story about {x}, please.",
    "Please tell me a short story about {x}.",
    "Do you know a story about {x}?",
    "Make up a story about {x}.",
    "Write a short tale about {x}.",
    "Tell a tale about {x}.",
    "I want to hear a story about {x}.",
    "Story about {x}, please!",
]
STORY_ANY: list[str] = [
    "Tell me a story.",
    "Tell me a story",
    "Please tell me a story.",
    "Can you tell me a story?",
    "A story, please.",
    "I want a story.",
    "Tell me another story.",
    "Do you know a story?",
    "Write a short story.",
    "Once more, a story please.",
]

# small tasks
POEM_ABOUT: list[str] = [
    "Write a poem about a {a}.",
    "Write a short poem about a {a}.",
    "A poem about a {a}, please.",
    "Can you write a poem about a {a}?",
    "Do you know a poem about a {a}?",
    "Make a rhyme about a {a}.",
]
POEM_ANY: list[str] = [
    "Write a poem.",
    "Tell me a poem.",
    "A poem, please.",
    "Do you know a poem?",
    "Write a short poem.",
    "Can you rhyme?",
]
RECIPE_QUESTIONS: list[str] = [
    "How do I make {n}?",
    "How do you make {n}?",
    "Give me a recipe for {n}.",
    "What do I need for {n}?",
    "I would like to cook {n}.",
    "Do you have a recipe for {n}?",
]
HOWTO_QUESTIONS: list[str] = [
    "How do I {k}?",
    "How do you {k}?",
    "Tell me how to {k}.",
    "How can I {k}?",
    "I want to {k}.",
    "Explain how to {k}.",
]
RIDDLE_QUESTIONS: list[str] = [
    "Tell me a riddle.",
    "Do you know a riddle?",
    "A riddle, please.",
    "Ask me a riddle.",
    "Another riddle!",
]
COUNT_QUESTIONS: list[str] = [
    "Count from {} to {}.",
    "Please count from {} to {}.",
    "Can you count from {} to {}?",
    "Count from {} up to {}.",
]
REPEAT_QUESTIONS: list[str] = [
    "Repeat after me: {}",
    "Say: {}",
    "Repeat: {}",
    "Please repeat: {}",
    "Say this: {}",
]
SPELL_QUESTIONS: list[str] = [
    "Spell {}.",
    "Spell the word {}.",
    "How do you spell {}?",
    "Can you spell {}?",
]

# chats
SYSTEM_PROMPTS: list[str] = [
    "You are tiny-tales, a small and friendly language model.",
    "You are a helpful assistant.",
    "You are a friendly assistant.",
    "You are a helpful assistant. Answer briefly.",
    "You tell short stories and answer simple questions.",
    "Be kind and brief.",
    "You are tiny-tales. Answer in simple words.",
    "You are a patient teacher.",
    "You are a helpful, honest assistant.",
    "Answer the questions of the user.",
    "You are a storyteller.",
]
MY_NAME: list[str] = [
    "My name is {n}.",
    "Hello, my name is {n}.",
    "Hi, I am {n}.",
    "I am called {n}.",
    "Hello! I'm {n}.",
    "You can call me {n}.",
]
NICE_TO_MEET_YOU: list[str] = [
    "Hello, {n}! [Nice to meet you.|It is a pleasure to meet you.]",
    "Nice to meet you, {n}! [How can I help you?|What shall we talk about?]",
    "Welcome, {n}! [I am tiny-tales.|What would you like to know?]",
]
WHAT_IS_MY_NAME: list[str] = [
    "What is my name?",
    "Do you remember my name?",
    "Do you know my name?",
    "Who am I?",
    "What was my name again?",
]
YOUR_NAME: list[str] = [
    "Your name is {n}.",
    "You are {n}.",
    "Your name is {n}. I remember, because it is in our chat.",
]

# something the user says of themselves, a question for it later, and the answer
ABOUT_ME: list[tuple[str, str, str]] = [
    ("I like {x}.", "What do I like?", "You like {x}."),
    ("My favourite colour is {c}.", "What is my favourite colour?", "Your favourite colour is {c}."),
    ("I live in {t}.", "Where do I live?", "You live in {t}."),
    ("I have a {a} called {m}.", "What is my {a} called?", "Your {a} is called {m}."),
    ("My lucky number is {k}.", "What is my lucky number?", "Your lucky number is {k}."),
]
NOTED: list[str] = [
    "That is nice!",
    "How lovely!",
    "That is good to know.",
    "Thank you for telling me.",
    "I see!",
]
LIKED_THINGS: list[str] = [
    "apples",
    "old books",
    "rainy days",
    "chess",
    "music",
    "snow",
    "long walks",
    "pancakes",
    "trains",
    "birds",
]
UNKNOWN_QUESTIONS: list[str] = [
    "Who is the president of {c}?",
    "How many people live in {t}?",
    "What is the population of {c}?",
    "Who won the last match?",
    "What is {a} times {b}?",
    "What is the square root of {a}?",
    "What happened in {y}?",
    "When did the war of {y} begin?",
    "Who wrote the book about {x}?",
    "What does a {x} cost?",
    "What is the price of a {x}?",
    "How do I repair my {x}?",
    "Where can I buy a {x}?",
    "Who invented the {x}?",
    "Translate the word {x} into Spanish.",
    "What is the Latin name of the {x}?",
    "How far is it from {t} to {t2}?",
    "How do I get from {t} to {t2}?",
    "Who is {n}?",
    "What is {n}'s telephone number?",
    "Where does {n} live?",
    "Write an essay about {x}.",
    "Solve this equation: {a}x = {b}.",
    "Give me the recipe for {x} with garlic.",
    "Which is the best restaurant in {t}?",
    "What is the phone number of the station in {t}?",
    "What is the weather in {t}?",
    "Can you draw a {x}?",
    "Show me a picture of a {x}.",
    "Play some music.",
    "What did {n} say yesterday?",
    "How tall is {n}?",
    "Who is the mayor of {t}?",
    "What is the history of {t}?",
]
UNKNOWN_ANSWERS: list[str] = [
    "I am sorry, I do not know that. I am only a very small model.",
    "That is more than I know. A larger model could help you.",
    "I do not know the answer. Please look it up in a good source.",
    "I am too small to know that, I am afraid.",
]
MORE_QUESTIONS: list[str] = [
    "Tell me more.",
    "Can you say that in other words?",
    "Go on.",
    "And what else?",
    "Please explain it again.",
    "I do not quite understand.",
    "More, please.",
    "Can you tell me more?",
    "Say it differently, please.",
    "Tell me more about it.",
]

# headings of explanations, by section of the facts
HEADINGS: dict[str, list[str]] = {
    "tokens": ["How Text Becomes Numbers", "Tokens", "The First Step", "Reading with Tokens"],
    "model": ["Inside a Transformer", "How a Language Model Works", "A Look Inside", "The Parts of a Model"],
    "sampling": ["Choosing the Next Token", "Sampling", "Chance and Choice", "How a Token Is Chosen"],
    "running": ["Running a Model", "Speed and Memory", "A Model at Work", "From Prompt to Answer"],
    "training": ["How Models Learn", "Training", "Learning from Data", "A Short Guide to Training"],
    "computing": ["Computers", "A Little Computing", "Bits and Bytes", "Programs and Machines"],
    "sky": ["The Sky", "Weather", "Sun and Rain"],
    "space": ["The Planets", "Looking Up", "Space"],
    "nature": ["Nature", "Plants and Animals", "The Living World"],
    "body": ["The Body", "Healthy and Well"],
    "daily": ["Everyday Questions", "Things to Know", "Small Science"],
}
