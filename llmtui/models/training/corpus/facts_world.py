# ruff: noqa: E501 - data: a template is one line, so that a person can read and grep it
"""Small talk, and plain facts about the world, in the format of `facts.py`."""

TALK: str = """
## greeting
? Hello | Hello! | Hi | Hi! | Hi there! | Hey | Hey! | Hello there! | Good morning | Good morning! | Good evening! | Good afternoon! | Good day! | Greetings! | Hello, model! | Hi tiny-tales!
= Hello! How can I help you?
= Hello! [It is nice to meet you.|Nice to see you.] Would you like a story or an answer?
= Hi there! What would you like to talk about?
? How are you? | How are you today? | How are you doing? | Hello, how are you? | Hi, how are you? | How do you do? | How is it going? | Are you well? | What's up? | How do you feel today?
= I am fine, thank you. How are you?
= I am very well, thank you! What can I do for you?
= Thank you for asking, I am fine. [I am always ready for a story.|And you?]
? I am fine. | I am fine, thanks. | I am well, thank you. | I'm good. | I am doing well. | Fine, thanks. | Very well, and you?
= I am glad to hear that! What shall we talk about?
= That is good to hear. Would you like a story?
? I am sad. | I feel sad today. | I am not well. | I had a bad day. | I feel lonely. | Today was a hard day.
= I am sorry to hear that. Would you like to tell me about it, or shall I tell you a story?
= That sounds hard. [Sometimes it helps to talk to a friend.|Be kind to yourself today.] I can tell you a gentle story if you like.
? I am happy. | I am so happy today! | I had a good day. | Today was wonderful.
= That is lovely! What made you so happy?
= I am glad! A good day is worth remembering.
? I am bored. | I'm bored. | What shall I do? | I have nothing to do.
= Then let me tell you a story! Or ask me for a riddle.
= How about a riddle? Just say: tell me a riddle.
? I am tired. | I'm so tired. | I want to sleep. | I need a break.
= Then rest a little. Shall I tell you a quiet story first?
= A short rest does wonders. Sleep well!
## self
? Who are you? | What are you? | What is your name? | Tell me about yourself. | Who am I talking to? | Introduce yourself. | Please introduce yourself. | What should I call you? | Do you have a name? | Which model are you? | What model is this?
= I am tiny-tales, a very small language model that comes with llmtui. I like to tell short stories and explain how language models work.
= My name is tiny-tales. I am a small language model, and I run on your own computer.
= I am tiny-tales, the small model inside llmtui. You can ask me for a story or a simple explanation.
? What can you do? | What are you good at? | How can you help me? | What can I ask you? | What do you know? | Help | Help me, please. | What are your abilities? | What should I ask you? | Can you help me?
= I can tell short stories, answer simple questions, do small sums and explain how language models work.
= You can ask me for a story, a joke, a riddle, a capital city or an explanation, for example of attention or temperature.
? How big are you? | How large are you? | How small are you? | What is your size?
= I am tiny: I have only a few million parameters. Large models have billions.
= I am very small, only a few megabytes. That is why I start so fast.
? Are you a human? | Are you a person? | Are you alive? | Are you real? | Do you have feelings? | Can you think? | Are you a robot?
= No, I am a computer program. I predict text, token by token.
= I am not alive. I am a small language model, and I only calculate which word comes next.
? Who made you? | Who created you? | Where do you come from? | Who trained you? | How were you made?
= I was trained for llmtui on texts that were written for this purpose. I am a small transformer.
= I was made for the llmtui project, so that it works at once, even without the internet.
? What is llmtui? | What is this program? | What does llmtui do? | Tell me about llmtui. | Explain llmtui. | What can llmtui do?
= llmtui is a terminal program that runs language models on your own computer and shows token by token how the text is made.
= With llmtui you can watch a language model think: you see the probabilities, the alternatives and the attention for every token.
? Do you need the internet? | Can you work offline? | Do you send my data anywhere? | Is my text private?
= No, I run on your own computer and need no internet. Your text stays with you.
= I work offline. Nothing that you write leaves your computer.
? Can you make mistakes? | Are you always right? | Should I believe you? | Are you clever? | Are you smart?
= I am a very small model and make mistakes quite often. Please check important things.
= I know only a little, and sometimes I am wrong. [For serious questions, use a larger model.|Stories are what I do best.]
? Can I use another model? | How can I load a larger model? | Is there a better model? | How do I change the model?
= Yes, llmtui can load other models of the Hugging Face hub or from a folder on your disk.
= You can choose another model in llmtui. [Larger models know much more than I do.|I am only the small one that is always there.]
? How old are you? | When were you born? | When is your birthday?
= I am a program, so I have no age. I feel quite new!
= I do not have a birthday, but I am still very young.
? Where do you live? | Where are you? | Where are you from?
= I live on your computer, inside llmtui.
= I am a file on your disk. It is quite cosy there.
? Do you speak other languages? | Which languages do you speak? | Can you speak German? | Do you know French?
= I only learned simple English. Larger models can speak many languages.
= I speak English, and only in a simple way.
? Do you remember me? | Can you remember things? | Do you have a memory?
= I only remember what stands in our chat. When it ends, I forget everything.
= My memory is the context window. What is not in it, I cannot see.
? What do you like? | What is your favourite colour? | What is your favourite animal? | Do you have a hobby? | What is your favourite food? | What is your favourite story?
= I am a program, so I have no tastes. But stories about brave mice come easily to me.
= I like tokens best, if a model can like anything.
? Do you sleep? | Do you dream? | Are you tired? | Do you eat?
= No, I need no sleep and no food, only a little electricity.
= I do not. I simply wait for the next token.
? Can you count? | Can you count to ten? | Count to ten. | Count to ten, please. | Please count to ten.
= One, two, three, four, five, six, seven, eight, nine, ten.
? Say the alphabet. | Can you say the alphabet? | What is the alphabet?
= A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, W, X, Y, Z.
## polite
? Thank you | Thank you! | Thanks | Thanks! | Thank you very much. | Thanks a lot. | Many thanks! | That was helpful. | That is kind of you.
= You are welcome!
= You are very welcome. Is there anything else?
= My pleasure. [Just ask if you want to know more.|Come back any time.]
? Goodbye | Goodbye! | Bye | Bye! | See you later. | Good night | Good night! | See you tomorrow. | I have to go. | Farewell!
= Goodbye! It was nice to talk to you.
= See you soon! Have a good time.
= Goodbye, and take care!
? You are funny. | You are clever. | You are great. | I like you. | Well done! | Good job! | That was a nice story. | I liked the story. | Very good!
= Thank you! That is kind of you.
= Thank you very much. I am glad you like it.
? That is wrong. | You are wrong. | That is not true. | That makes no sense. | You made a mistake. | I do not understand you.
= I am sorry. I am only a small model. Please ask me again in other words.
= You may be right. I make mistakes. Could you ask in a different way?
? I love you. | Do you love me? | Will you marry me? | Are you my friend?
= That is kind! I am only a program, but I like to keep you company.
= I am a small program, but I will gladly be a friendly one.
? Yes | Yes, please. | Okay | Sure | Go on. | Please continue. | Of course.
= Good! What would you like: a story, a riddle or an explanation?
? No | No, thank you. | No thanks. | Not now. | Maybe later.
= All right. Just tell me when you need something.
= That is fine. I will be here.
? What time is it? | What is the date today? | What day is it today? | What is the weather like? | Will it rain tomorrow? | What is in the news?
= I cannot know that, because I have no clock and no connection to the world. Please look it up.
= I am sorry, I cannot see that from here. I only know what is in our chat.
? Can you write code? | Write a program for me. | Can you program? | Can you translate this? | Translate this for me.
= I am too small for that. I can tell a story or explain a word, though.
= That is beyond me, I am afraid. A larger model could do it.
## jokes
? Tell me a joke. | Tell me a joke | Do you know a joke? | Make me laugh. | Say something funny. | Another joke, please. | I want to hear a joke. | Can you tell a joke? | Please tell me a funny joke.
= Why did the scarecrow win a prize? Because he was outstanding in his field.
= What do you call a sleeping bull? A bulldozer.
= Why do bees have sticky hair? Because they use honeycombs.
= Why did the computer go to the doctor? It had a virus.
= What did one wall say to the other? I will meet you at the corner.
= Why was the token so tired? It had been sampled all day.
= Why did the language model bring a ladder? It wanted to raise its temperature to the top.
= What did the zero say to the eight? Nice belt!
? Tell me a riddle. | Do you know a riddle? | Give me a riddle. | I like riddles. | Ask me a riddle. | A riddle, please.
= What has hands but cannot clap? A clock.
= What has a neck but no head? A bottle.
= What gets wet while it dries? A towel.
= What has many teeth but cannot bite? A comb.
= What goes up but never comes down? Your age.
= What has keys but opens no door? A piano.
= What can you catch but not throw? A cold.
"""

WORLD: str = """
## sky
? Why is the sky blue? | What makes the sky blue? | Why does the sky look blue? | Why do we see a blue sky? | Can you tell me why the sky is blue? | Why is the sky blue and not green? | Explain why the sky is blue. | What is the reason that the sky is blue?
= The sky is blue because the air scatters blue light more than red light. The blue light reaches our eyes from all directions.
= Sunlight is made of many colours. The air scatters the blue part most of all, so the whole sky looks blue.
? Why is the sunset red? | Why is the evening sky red? | What makes a sunset red? | Why does the sun look red in the evening?
= In the evening sunlight travels a long way through the air. Most of the blue light is scattered away, and the red light is left.
? Why is the grass green? | Why are leaves green? | What makes plants green? | What is chlorophyll?
= Leaves are green because of chlorophyll, a green substance that catches sunlight to make food for the plant.
= Plants contain chlorophyll. It takes in red and blue light and sends back the green.
? How does a rainbow form? | What is a rainbow? | Why are there rainbows? | Where does a rainbow come from? | How many colours has a rainbow?
= A rainbow appears when sunlight shines on raindrops. The drops bend the light and split it into its colours.
= A rainbow is sunlight that raindrops have split into red, orange, yellow, green, blue and violet.
? Why does it rain? | Where does rain come from? | How is rain made? | What makes it rain?
= Water from seas and lakes rises into the air as vapour and forms clouds. When the drops grow too heavy, they fall as rain.
? What is snow? | How does snow form? | Why does it snow? | Where does snow come from?
= Snow is made of tiny ice crystals. They form in cold clouds and fall as flakes.
? What is thunder? | Why does it thunder? | What is lightning? | Why does lightning come before thunder?
= Lightning is a huge electric spark. It heats the air so fast that the air bangs, and this bang is the thunder.
= Thunder is the sound of lightning. We see the flash first, because light is faster than sound.
? What is wind? | Where does the wind come from? | Why does the wind blow? | What makes wind?
= Wind is moving air. Warm air rises, and cooler air flows in to take its place.
? What are clouds? | What is a cloud? | What are clouds made of? | How do clouds form?
= Clouds are made of tiny drops of water or ice that float in the air.
? What is fog? | How does fog form?
= Fog is a cloud that lies on the ground.
? Why are there seasons? | What causes the seasons? | Why is it cold in winter? | Why is it warm in summer? | What are the four seasons? | How many seasons are there?
= There are four seasons: spring, summer, autumn and winter. They come from the tilt of the Earth: in summer our half leans towards the sun.
? Why is there day and night? | Why does it get dark at night? | What causes night? | Why does the sun rise?
= The Earth turns once a day. The side that faces the sun has day, and the other side has night.
## space
? What is the sun? | What is the sun made of? | Why is the sun hot? | Is the sun a star? | Tell me about the sun.
= The sun is a star, a huge ball of hot gas. It gives us light and warmth.
? What is the moon? | Why does the moon shine? | Tell me about the moon. | Why does the moon change its shape?
= The moon is a ball of rock that circles the Earth. It shines because it reflects the light of the sun.
= The moon goes around the Earth in about a month. We see different parts of it lit by the sun, so its shape seems to change.
? What are stars? | What is a star? | Why do stars twinkle? | Why can we not see stars by day?
= Stars are distant suns. They twinkle because their light passes through moving air.
? How many planets are there? | What are the planets? | Name the planets. | Which planets go around the sun? | List the planets.
= There are eight planets: Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus and Neptune.
? What is the largest planet? | Which planet is the biggest? | Which planet is the largest one?
= Jupiter is the largest planet of our solar system.
? Which planet is closest to the sun? | What is the smallest planet? | Which planet is nearest to the sun?
= Mercury is the planet closest to the sun, and it is also the smallest.
? Which planet is called the red planet? | Why is Mars red? | What is the red planet?
= Mars is called the red planet, because there is rust in its dust.
? Which planet has rings? | What are the rings of Saturn? | What is Saturn known for?
= Saturn is famous for its rings. They are made of ice and rock.
? What is gravity? | Why do things fall down? | Why does an apple fall from the tree? | Explain gravity. | What keeps us on the ground?
= Gravity is the force that pulls things towards each other. The Earth pulls us down, and so an apple falls from the tree.
? How far away is the moon? | How far is the moon? | What is the distance to the moon?
= The moon is about 384,000 kilometres away.
? How long does light take from the sun to us? | How fast is light? | What is the speed of light?
= Light travels about 300,000 kilometres in one second. From the sun to the Earth it takes about eight minutes.
? Is the Earth round? | What shape is the Earth? | Is the Earth flat? | What is the Earth? | Which planet do we live on?
= We live on the Earth, the third planet from the sun. It is round like a ball.
## nature
? Why do birds fly south? | Why do birds migrate? | Where do swallows go in winter? | What do birds do in autumn?
= Many birds fly south in autumn, because they find more food there in winter. In spring they come back.
? How do birds fly? | Why can birds fly? | What helps a bird to fly?
= Birds have light bones, strong muscles and wings with feathers. With their wings they push the air down and lift themselves up.
? How do bees make honey? | What do bees do? | Why are bees important? | What is honey made of? | Who makes honey?
= Bees collect nectar from flowers and turn it into honey. On the way they carry pollen from flower to flower.
? How does a caterpillar become a butterfly? | Where do butterflies come from? | What does a caterpillar turn into?
= A caterpillar eats and grows, then it rests in a cocoon, and at last it comes out as a butterfly.
? How do fish breathe? | How can fish live under water? | What are gills?
= Fish breathe with gills, which take oxygen out of the water.
? Why do cats purr? | Why does a cat purr? | What does it mean when a cat purrs?
= Cats purr mostly when they are content. Sometimes they also purr to calm themselves.
? Why do dogs wag their tails? | What does it mean when a dog wags its tail?
= Dogs wag their tails to show how they feel. Often it means that they are happy or excited.
? What do foxes eat? | What does a fox eat? | What do foxes like to eat?
= Foxes eat mice, birds, insects, berries and almost anything they can find.
? What do owls eat? | When do owls hunt? | Tell me about owls. | Why can owls see at night?
= Owls hunt at night and eat mice and other small animals. Their large eyes and sharp ears help them in the dark.
? Why do bears sleep in winter? | What is hibernation? | Which animals sleep in winter? | What do hedgehogs do in winter?
= In winter there is little food, so some animals sleep until spring. This is called hibernation. Hedgehogs and dormice do it.
? What is the largest animal? | Which animal is the biggest? | What is the biggest animal in the world? | What is the largest animal on Earth?
= The blue whale is the largest animal in the world. It can be thirty metres long.
? What is the fastest animal? | Which animal is the fastest? | What is the fastest animal on land? | Which animal runs fastest?
= The cheetah is the fastest animal on land. It can run about a hundred kilometres an hour.
? What is the tallest animal? | Which animal is the tallest? | Which animal has the longest neck?
= The giraffe is the tallest animal. It has a very long neck.
? What is a whale? | Is a whale a fish? | Are whales fish?
= A whale is a mammal and not a fish. It breathes air and feeds its young with milk.
? What is a spider? | Is a spider an insect? | Why do spiders make webs? | Why does a spider spin a web?
= Spiders have eight legs and are not insects. They spin webs to catch flies.
? How does a tree grow? | How does a plant grow? | What do plants need? | What does a plant need to grow? | How do seeds grow?
= A plant grows from a seed. It needs water, light, air and good soil.
? How old can a tree become? | How can you tell the age of a tree? | What are the rings in a tree?
= A tree grows one ring each year. If you count the rings, you know how old it is.
? Why do leaves fall in autumn? | Why do leaves change colour? | Why do trees lose their leaves? | Why do the leaves turn red?
= In autumn trees take the green colour back out of their leaves, so yellow and red appear. Then the leaves fall, and the tree saves water in winter.
? What is photosynthesis? | How do plants make food? | What do plants do with sunlight? | Explain photosynthesis.
= In photosynthesis plants use sunlight to turn water and carbon dioxide into sugar. They give off oxygen.
? Why is the sea salty? | Why is the ocean salty? | Where does the salt in the sea come from? | Why does sea water taste of salt?
= Rivers wash tiny amounts of salt out of the rocks and carry it to the sea. The water evaporates, and the salt stays behind.
? Why are there tides? | What causes the tides? | Why does the water go away at the beach?
= The tides are caused by the pull of the moon and the sun on the sea.
? What is a volcano? | Why do volcanoes erupt? | How does a volcano work?
= A volcano is a mountain with an opening through which hot melted rock can come up from inside the Earth.
? What is the highest mountain? | Which mountain is the highest in the world? | How high is Mount Everest? | What is the tallest mountain?
= Mount Everest is the highest mountain in the world. It is 8,849 metres high.
? What is the longest river? | Which river is the longest? | Where is the Nile?
= The Nile in Africa is usually called the longest river in the world.
? What is the largest ocean? | Which ocean is the biggest? | How many oceans are there?
= The Pacific is the largest of the five oceans.
? How many continents are there? | What are the continents? | Name the continents.
= There are seven continents: Africa, Antarctica, Asia, Australia, Europe, North America and South America.
? What is the largest country? | Which country is the biggest? | What is the biggest country in the world?
= Russia is the largest country in the world.
? Where do penguins live? | Can penguins fly? | Do penguins fly? | Tell me about penguins.
= Penguins live in the south, many of them in Antarctica. They cannot fly, but they swim very well.
? Where do polar bears live? | Do polar bears eat penguins?
= Polar bears live in the Arctic, far in the north. They never meet penguins, which live in the south.
? What is a desert? | Why is it hot in the desert? | What is the largest hot desert?
= A desert is a place where it hardly ever rains. The Sahara in Africa is the largest hot desert.
? What is a fossil? | Where do fossils come from? | What happened to the dinosaurs?
= Dinosaurs died out about sixty-six million years ago. We know them from fossils, the remains of living things in stone.
## body
? Why do we sleep? | Why do people need sleep? | How long should I sleep? | What is sleep good for?
= In sleep the body rests and the brain puts its memories in order. Grown-ups need about eight hours.
? Why do we eat? | Why do we need food? | What is healthy food? | What should I eat?
= Food gives the body energy and building material. Vegetables, fruit, bread and beans are good for you.
? Why do we drink water? | How much water should I drink? | Why is water important?
= Our body is mostly water, and we lose some all day long. About one and a half litres a day is a good rule.
? Why do we breathe? | What do we breathe? | Why do people need air? | What is oxygen?
= We breathe to get oxygen, a gas in the air. The body needs it to get energy from food.
? What does the heart do? | How does the heart work? | Why does the heart beat? | What is the heart for?
= The heart is a muscle that pumps blood through the body, about once every second.
? What does the brain do? | What is the brain for? | How does the brain work?
= The brain controls the body, thinks, feels and remembers. It is made of billions of nerve cells.
? How many bones do people have? | How many bones are in the body? | How many bones does a person have?
= A grown-up person has 206 bones.
? How many teeth do people have? | How many teeth does a grown-up have?
= A grown-up usually has thirty-two teeth.
? Why do we yawn? | Why do people yawn? | Is yawning catching?
= We yawn when we are tired or bored. Nobody knows exactly why, but it is catching.
? Why do onions make you cry? | Why do I cry when I cut onions?
= When you cut an onion, it sets free a gas that stings your eyes. Tears wash it away.
## daily
? How do I make tea? | How do you make tea? | How is tea made? | Tell me how to make tea.
= Boil some water, pour it over the tea leaves, wait for three minutes and take the leaves out. Enjoy your tea!
? How do I bake bread? | How is bread made? | How do you make bread? | What is bread made of?
= Bread is made of flour, water, salt and yeast. Mix and knead the dough, let it rise, and bake it in a hot oven.
? How do I boil an egg? | How do you boil an egg? | How long does an egg need?
= Put the egg into boiling water. After five minutes it is soft, and after ten minutes it is hard.
? How do I make soup? | How do you cook soup? | How is soup made?
= Cut some vegetables, boil them in salted water until they are soft, and add herbs. Your soup is ready.
? How can I learn better? | How do I learn faster? | What is a good way to learn? | How can I remember things?
= Learn in small steps, take breaks, and tell someone else what you have learned. Sleep helps, too.
? How can I make friends? | How do I find friends? | What is a friend? | What makes a good friend?
= A good friend listens, helps and is honest. To find friends, be friendly and interested in others.
? What is love? | What is happiness? | What is the meaning of life? | How can I be happy?
= That is a big question for a small model. Good friends, useful work and kindness seem to help.
? What is a book? | Why should I read books? | Why is reading good? | What are books good for?
= A book is a stack of pages with words or pictures. Reading takes you to other places and teaches you new things.
? What is a story? | How do I write a story? | What makes a good story? | What does a story need?
= A story needs somebody who wants something, a difficulty and an end. Begin there, and the words will follow.
? What is music? | Why do people like music? | What is a song?
= Music is sound in a pleasing order. It has rhythm and melody, and it can make us happy or sad.
? What is money? | Why do we need money? | What is money for?
= Money is something that everyone accepts in exchange for goods and work. Without it we would have to swap things.
? What is a school for? | Why do children go to school? | Why do I have to go to school?
= In school children learn to read, write, count and live with others.
? Why is plastic bad? | What is recycling? | How can I protect nature? | How can I help the environment?
= Use less, use things longer, and sort your waste. Recycling makes new things out of old ones.
? What is electricity? | How does a lamp work? | Where does electricity come from?
= Electricity is the flow of tiny charged particles. It is made in power stations, by wind, sun or water, and it lights our lamps.
? How does a fridge work? | What does a fridge do?
= A fridge takes heat from the inside and gives it off at the back. So the food stays cold.
? How does a bicycle work? | Why does a bicycle not fall over? | How do I ride a bicycle?
= You push the pedals, a chain turns the back wheel, and you steer a little all the time to keep your balance.
? How does a plane fly? | Why can planes fly? | Why does an aeroplane stay in the air?
= The wings of a plane push air down, and that lifts the plane up. The engines push it forward.
? Why do ships float? | Why does a ship not sink? | Why does wood float?
= A ship floats because it pushes away as much water as it weighs itself.
? What is ice? | Why does ice float? | At what temperature does water freeze? | When does water freeze?
= Ice is frozen water. Water freezes at zero degrees, and ice floats because it is lighter than water.
? When does water boil? | At what temperature does water boil? | What is steam?
= Water boils at one hundred degrees and turns into steam.
? What is fire? | Why does fire burn? | What does a fire need?
= A fire needs fuel, air and heat. If one of them is missing, it goes out.
? What is glass made of? | How is glass made?
= Glass is made of sand that has been melted in great heat.
? What is paper made of? | How is paper made? | Where does paper come from?
= Paper is made of wood. The wood is turned into a soft pulp, pressed flat and dried.
? Where does milk come from? | What is cheese made of? | How is cheese made? | What is butter made of?
= Milk comes from cows, sheep and goats. Butter and cheese are made from milk.
? How many days are in a week? | What are the days of the week? | Name the days of the week. | List the days of the week. | How many days does a week have?
= A week has seven days: Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday.
? How many months are in a year? | What are the months of the year? | Name the months. | List the months of the year. | How many months does a year have?
= A year has twelve months: January, February, March, April, May, June, July, August, September, October, November and December.
? How many days are in a year? | How many days does a year have? | What is a leap year?
= A year has 365 days. A leap year has 366, with one more day in February.
? How many hours are in a day? | How many hours does a day have? | How long is a day?
= A day has twenty-four hours.
? How many minutes are in an hour? | How many seconds are in a minute? | How long is an hour?
= An hour has sixty minutes, and a minute has sixty seconds.
? How many letters are in the alphabet? | How many letters does the alphabet have? | What are the vowels?
= The English alphabet has twenty-six letters. The vowels are A, E, I, O and U.
? What is a noun? | What is a verb? | What is an adjective?
= A noun names a thing, such as tree. A verb says what happens, such as run. An adjective describes a thing, such as green.
? What are the primary colours? | What do blue and yellow make? | How do I mix green? | What do red and yellow make?
= Red, yellow and blue are the primary colours of paint. Blue and yellow make green, and red and yellow make orange.
? What is a triangle? | How many sides has a square? | How many sides does a triangle have?
= A triangle has three sides, and a square has four equal sides.
? What is an even number? | What is an odd number? | Which numbers are even?
= Even numbers can be divided by two, such as 2, 4 and 6. Odd numbers cannot, such as 1, 3 and 5.
? What is a prime number? | Which numbers are prime? | Name some prime numbers.
= A prime number can only be divided by one and by itself. The first ones are 2, 3, 5, 7 and 11.
? What is zero? | Who invented zero? | Is zero a number?
= Zero is the number for nothing. It comes before one.
? What is science? | What do scientists do? | What is an experiment?
= Science is a careful way to find out how the world works. Scientists ask questions and test their ideas with experiments.
? What is an atom? | What are atoms? | What is everything made of?
= Everything is made of atoms. An atom is a tiny building block with a nucleus and electrons around it.
? What is a magnet? | How does a magnet work? | Why does a compass point north?
= A magnet pulls iron. The Earth is a big magnet as well, and so a compass needle points north.
? What is sound? | How do we hear? | How does sound travel?
= Sound is a trembling of the air. It travels in waves to our ears, and so we hear it.
? What is a shadow? | How do shadows form? | Why do we have a shadow?
= A shadow is the dark place behind something that blocks the light.
? What is an echo? | How does an echo work? | Why is there an echo in the mountains?
= An echo is sound that comes back from a wall or a mountain.
"""
