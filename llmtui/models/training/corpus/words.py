# ruff: noqa: E501 - data: a row is one line, so that a person can read and grep it
"""Word lists: names, animals, trades, things, places, food, weather, and tables of simple facts."""

from typing import NamedTuple


class Animal(NamedTuple):
    """An animal, the limb it holds things with, and where it lives."""

    name: str
    limb: str
    home: str


class Craft(NamedTuple):
    """A trade, and what its people did all day."""

    name: str
    work: str


class Thing(NamedTuple):
    """An object of a tale, adjectives that fit, and a use for "it"."""

    name: str
    adjectives: list[str]
    use: str


class Place(NamedTuple):
    """A place, its preposition, and half sentences about what is there."""

    name: str
    preposition: str
    details: list[str]

    @property
    def inside(self) -> str:
        """The place with its preposition: "on the hill"."""
        return f"{self.preposition} {self.name}"


class Food(NamedTuple):
    """Food with its article, and bare."""

    full: str
    bare: str


def _words(text: str) -> list[str]:
    return text.split()


def _lines(text: str) -> list[str]:
    return text.strip().split("\n")


def _rows(text: str) -> list[list[str]]:
    return [line.split("|") for line in _lines(text)]


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(a, b) for a, b in (pair.split(":") for pair in text.replace("\n", "").split(","))]


GIRLS = _words("""
Mara Lily Nora Ada Ivy Tess Wren Clara Daisy Ella Fern Greta Hazel Iris Juno Kit Lena Mina Nell Opal Pearl Rosa
Sara Tilly Una Vera Willa Yara Zoe Anna Bella Cora Dora Elsa Flora Gemma Hana Isla Jade Kira Lola Maya Nina
Olive Poppy Ruby Sofia Tara Edith Mabel Agnes Bertha Celia Delia Emmy Freya Gwen Holly Inga Josie Lotta Marnie
Petra Ramona Selma Thea Ursula Violet Winnie Zelda Alma Birdie Clover Dot Esme Ginny Hattie Imogen Jess Kaya
Luna Molly Noor Odette Pia Rina Suki Tamsin Amina Leila Priya Mei Saskia Bridget Plum Juniper Marigold Saffron
""")
BOYS = _words("""
Tom Ben Max Sam Leo Otto Finn Hugo Jack Karl Liam Milo Noah Oscar Pip Ravi Seth Theo Victor Will Adam Bruno
Caleb Dan Eli Felix Gus Henry Ivan Jonah Kofi Luca Marco Ned Owen Paul Quinn Rory Stefan Toby Umar Walter Zack
Arlo Barnaby Casper Duncan Edgar Fergus George Harvey Ike Jasper Kenji Lars Magnus Nico Oliver Percy Rufus Silas
Tariq Ulric Vito Wilbur Yusuf Alfie Basil Cedric Dexter Emil Fred Gilbert Horace Ira Jem Klaus Linus Mungo Nat
Olaf Patrick Ralph Sven Tibor Axel Bertie Chester Dougal Elmer Frank Amir Diego Hamish Juan Mateo Pablo Rowan
Bramble Acorn Biscuit
""")

ANIMALS = [
    Animal(*row)
    for row in _rows("""
fox|paw|a snug den under a hazel bush
mouse|paw|a tiny house inside a hollow stump
rabbit|paw|a warm burrow beneath the hill
hedgehog|paw|a nest of dry leaves
squirrel|paw|a round nest high in a beech tree
badger|paw|a deep, tidy sett
bear|paw|a quiet cave behind the waterfall
otter|paw|a cosy hole in the river bank
beaver|paw|a strong lodge made of sticks
mole|paw|a long tunnel with a round door
owl|wing|a hole in an old elm
duck|wing|a nest among the reeds
goose|wing|a little shed by the pond
frog|hand|a mossy stone near the water
toad|hand|a cool cellar under the mill
turtle|foot|a sunny bank beside the lake
tortoise|foot|a corner of the walled garden
snail|shell|a flowerpot by the back door
crow|wing|the top of a crooked pine
sparrow|wing|a nest under the station roof
robin|wing|a nest in the ivy
hen|wing|a red henhouse
lamb|hoof|a green field with a stone wall
goat|hoof|a shed on the steep hillside
donkey|hoof|a stable with a blue door
pony|hoof|a stable near the orchard
pig|foot|a clean sty with fresh straw
cow|hoof|a big barn at the end of the lane
cat|paw|a cottage with yellow curtains
dog|paw|a kennel beside the bakery
kitten|paw|a basket by the stove
puppy|paw|a farmhouse on the hill
wolf|paw|a rocky den above the valley
deer|hoof|a clearing full of ferns
hare|paw|a dip in the long grass
seal|flipper|a flat rock near the shore
penguin|wing|an island of ice
crab|claw|a pool among the rocks
bat|wing|the attic of the old school
lizard|foot|a crack in a warm wall
monkey|hand|a tall fig tree
elephant|trunk|a wide, dusty plain
giraffe|hoof|a plain with thorny trees
lion|paw|a hill of golden grass
parrot|wing|a mango tree by the market
koala|paw|a tall gum tree
panda|paw|a bamboo grove
dormouse|paw|a nest woven from honeysuckle
weasel|paw|a gap in the old wall
swan|wing|a quiet bend of the river
pigeon|wing|the clock tower
gull|wing|a ledge above the harbour
ant|leg|a busy hill under a stone
bee|leg|a golden hive
beetle|leg|a room under the bark
spider|leg|a corner of the window
dragon|claw|a warm cavern in the mountain
""")
]
CHILD_HOMES = _lines("""
a little house at the edge of town
a flat above the bookshop
a farm in a wide valley
a cottage beside the canal
a white house near the harbour
a village between two hills
a tall house with a green gate
a small town with a market square
a wooden cabin near the lake
a lighthouse on a rocky island
a narrow street behind the station
an old mill by the stream
""")
CRAFTS = [
    Craft(*row)
    for row in _rows("""
baker|baked bread for the whole street
tailor|sewed coats and trousers
gardener|grew roses and beans
clockmaker|mended clocks of every size
fisherman|caught fish in a green boat
shepherd|looked after forty sheep
painter|painted signs for shops
postman|carried letters up and down the hill
carpenter|made chairs and tables
miller|ground wheat into flour
potter|shaped bowls and jugs from clay
librarian|kept the books in order
sailor|sailed from island to island
teacher|taught the youngest children
weaver|wove blankets of bright wool
blacksmith|hammered iron into hooks and hinges
beekeeper|cared for twelve hives
ferryman|rowed people across the river
cook|made soup for hungry travellers
doctor|looked after the sick
musician|played tunes at weddings
farmer|grew potatoes and barley
shoemaker|made boots that never leaked
lamplighter|lit the lamps at dusk
""")
]
TRAITS_GOOD = _words("""
kind brave clever gentle patient cheerful honest careful curious friendly thoughtful generous polite hopeful
loyal playful lively calm wise helpful hardworking merry warm-hearted quick-witted steady
""")
TRAITS_MIX = _words("""
shy small sleepy stubborn proud quiet careless restless forgetful hasty grumpy timid dreamy greedy boastful lazy
clumsy nervous impatient noisy lonely messy bold serious
""")
ELDERS = _lines("""
old heron
grey owl
wise tortoise
old badger
white goat
old toad
silver-haired grandmother
old clockmaker
kind miller
patient teacher
old shepherd
retired sailor
blind old mole
old raven
bent old gardener
night watchman
travelling pedlar
stout innkeeper
old librarian
lame old wolf
white-bearded ferryman
old stork
quiet monk
tall ranger
""")

OBJECTS = [
    Thing(name, adjectives.split(","), use)
    for name, adjectives, use in _rows("""
kite|red,yellow,paper,striped|fly it on the windy hill
bell|silver,small,brass,copper|ring it at sunrise
lantern|green,old,tin,bright|light it on dark evenings
key|rusty,golden,tiny,iron|hang it on a hook by the door
drum|round,wooden,little,painted|beat it in the yard
flute|wooden,thin,silver,bamboo|play it under the trees
scarf|woolly,blue,long,knitted|wear it on cold days
hat|straw,tall,purple,pointed|wear it to the market
boat|toy,wooden,white,tiny|sail it on the pond
basket|wicker,deep,round,light|fill it with berries
book|thick,old,blue,picture|read it before bed
map|folded,faded,secret,careful|study it by candlelight
button|shiny,pearl,brass,round|polish it until it shone
ball|rubber,bouncy,orange,soft|throw it against the wall
spoon|wooden,silver,long,tiny|stir soup with it
cup|chipped,china,blue,tin|drink warm milk from it
ring|gold,thin,silver,plain|wear it on feast days
whistle|tin,loud,yellow,clay|blow it at noon
umbrella|huge,black,spotted,patched|open it in the rain
ladder|tall,wobbly,wooden,short|climb it to pick pears
wheelbarrow|squeaky,green,heavy,rusty|push it along the path
blanket|patchwork,soft,warm,woven|wrap it around cold shoulders
mirror|round,cracked,little,oval|look at the sky in it
feather|white,long,blue,grey|write with it
stone|smooth,speckled,round,lucky|hold it when thinking
shell|pink,curled,spiral,pale|listen to the sea in it
clock|noisy,tall,wooden,brass|wind it every night
sledge|fast,wooden,red,narrow|ride it down the slope
bicycle|blue,rattling,old,shiny|ride it to the sea
wagon|little,red,wooden,sturdy|pull it up the lane
fiddle|brown,old,polished,small|play it at parties
teapot|round,brown,chipped,blue|make mint tea in it
candle|tall,white,thick,beeswax|light it at supper
coin|copper,silver,bent,shiny|keep it for a rainy day
box|wooden,secret,carved,little|keep treasures in it
jar|glass,tall,empty,clean|fill it with honey
mitten|red,woolly,left,warm|wear it in the snow
puppet|funny,wooden,painted,tiny|make it dance
telescope|brass,long,dusty,fine|point it at the moon
compass|brass,little,trusty,round|carry it on walks
rope|strong,long,thick,coiled|tie knots in it
paintbrush|fine,broad,new,soft|paint birds with it
bucket|tin,yellow,heavy,dented|carry water in it
pillow|soft,feather,striped,plump|rest on it after lunch
broom|stiff,new,birch,long|sweep the step with it
spade|small,sharp,iron,sturdy|dig the garden with it
watch|pocket,gold,ticking,old|check it twice an hour
locket|silver,heart-shaped,tiny,oval|wear it close to the heart
crown|paper,golden,crooked,daisy|wear it for games
net|fishing,green,fine,knotted|catch minnows with it
pumpkin|huge,orange,round,prize|roll it to the fair
marble|glass,green,swirling,lucky|roll it along the floor
music box|tiny,wooden,tinkling,blue|open it at bedtime
rocking horse|grey,painted,old,wooden|ride it in the attic
snow globe|small,glittering,glass,round|shake it and watch the snow
notebook|red,thin,striped,small|write songs in it
acorn cup|polished,tiny,brown,neat|drink dew from it
weathervane|iron,creaking,copper,bent|watch it turn
walking stick|carved,oak,crooked,smooth|lean on it uphill
magnifying glass|round,heavy,clear,old|look at beetles through it
""")
]

PLACES = [
    Place(name, preposition, details.split(";"))
    for name, preposition, details in _rows("""
the beech wood|in|tall trunks stood like pillars;dry leaves crackled underfoot;a woodpecker knocked far away
the pine forest|in|the air smelled of resin;needles covered the ground;the light was green and dim
the meadow|in|poppies nodded in the grass;bees hummed over the clover;butterflies drifted from flower to flower
the river bank|on|the water slid past without a sound;willows trailed their branches;a kingfisher flashed by
the lake|by|the water lay as flat as glass;ducks paddled near the shore;mist floated over the surface
the harbour|at|ropes creaked against the posts;gulls shouted from the roofs;boats rocked at their moorings
the market square|in|stalls were heaped with apples and cheese;people called out prices;a fountain splashed in the middle
the orchard|in|ripe pears hung from the branches;wasps buzzed around the windfalls;ladders leaned on the trees
the garden|in|beans climbed their poles;the roses were in bloom;a blackbird pulled at a worm
the old mill|at|the great wheel turned slowly;flour dust floated in the light;the stream rushed below
the hill|on|you could see three villages from the top;the wind combed the grass;sheep grazed on the slope
the beach|on|small waves folded onto the sand;shells lay in a crooked line;the tide was far out
the marsh|in|reeds whispered in the wind;the ground squelched;frogs croaked from every puddle
the valley|in|a stream glittered at the bottom;smoke rose from the chimneys;shadows moved across the fields
the cave|in|water dripped from the ceiling;every footstep echoed;the walls glittered a little
the village green|on|children had left chalk marks on the stones;a bench stood under the lime tree;geese walked in a line
the library|in|the shelves reached the ceiling;pages rustled;a lamp glowed on every desk
the station|at|a clock hung over the platform;steam curled into the air;trunks stood in a pile
the bridge|on|the boards rumbled under passing carts;the river foamed below;someone had carved names into the rail
the barn|in|hay was stacked to the roof;swallows darted through the door;sunbeams fell through the cracks
the castle ruins|in|ivy covered the broken walls;a stair led up to nothing;jackdaws nested in the tower
the mountain path|on|stones rolled under every step;snow lay in the hollows;the air was thin and clear
the island|on|waves broke on every side;the grass was cropped short by rabbits;a single tree leaned in the wind
the canal|by|barges slid past with pots of flowers;the water was brown and still;a heron waited on one leg
the windmill|at|the sails creaked around;sacks stood by the door;the whole tower trembled in the gusts
the fairground|at|music drifted from the carousel;the air smelled of burnt sugar;flags snapped on their poles
the greenhouse|in|the glass was misty;tomatoes glowed on the vine;the warm air smelled of earth
the schoolyard|in|a swing creaked;chalk dust hung by the door;a chestnut tree shaded the steps
the crossroads|at|a signpost pointed four ways;the dust lay thick;a milestone leaned to one side
the waterfall|by|spray hung in the air like smoke;the rocks were slippery;ferns dripped on both sides
the attic|in|trunks stood under dusty sheets;a small window let in the light;old hats hung on nails
the bakery|in|loaves cooled on the racks;the oven glowed;everything was dusted with flour
""")
]
HIDES = _lines("""
under a pile of leaves
behind an old gate
inside a hollow log
between two twisted roots
under a loose stone
at the bottom of a ditch
in a tangle of brambles
beneath a wooden bench
on a high branch
in the tall grass
under an upturned bucket
behind a stack of firewood
inside an empty barrel
in a bird's old nest
below the wooden steps
beside a muddy puddle
in the pocket of an old coat
under a heap of straw
behind a row of flowerpots
in the crook of a willow
""")
FOODS = [
    Food(*row)
    for row in _rows("""
a plum pie|plum pie
a loaf of warm bread|loaf
a bowl of nut soup|soup
a honey cake|honey cake
a basket of cherries|basket of cherries
a pot of bean stew|stew
an apple tart|apple tart
a round yellow cheese|cheese
a jar of blackberry jam|jam
a plate of pancakes|plate of pancakes
a bag of roasted chestnuts|bag of chestnuts
a bunch of sweet carrots|bunch of carrots
a seed cake|seed cake
a big pumpkin pie|pumpkin pie
a bowl of porridge|porridge
a ginger biscuit|ginger biscuit
a sack of potatoes|sack of potatoes
a melon|melon
a pot of mushroom soup|soup
a handful of hazelnuts|handful of hazelnuts
a slice of walnut bread|walnut bread
a dish of baked pears|dish of pears
a raspberry bun|raspberry bun
a corn cake|corn cake
a jug of cold milk and a biscuit|milk and biscuit
a pea and mint pie|pie
""")
]
TIMES = _lines("""
one morning
one bright morning
one cold morning
early one day
one afternoon
one windy afternoon
one evening
one summer evening
one autumn day
one spring day
one winter morning
on a rainy Tuesday
on a quiet Sunday
one Saturday
on the first day of spring
on the last day of the holidays
late one afternoon
just after breakfast
shortly before noon
one golden afternoon
""")
WEATHER = _lines("""
The sun was shining
The sky was clear and blue
A warm breeze was blowing
Small white clouds sailed over the hills
The morning was bright and still
A thin mist lay over the ground
Grey clouds hung low
A cold wind was blowing from the north
Frost sparkled on every twig
The first snow had fallen in the night
It had rained all night and everything dripped
A light rain was falling
The air was hot and heavy
The sun burned down and the paths were dusty
Leaves were whirling through the air
The wind tugged at every branch
""")
FEEL_GOOD = _words("happy glad pleased proud delighted cheerful joyful thankful relieved content excited")
FEEL_BAD = _words("sad worried upset unhappy gloomy miserable lonely ashamed disappointed troubled downcast")

COLOURS = _words("red blue green yellow purple orange brown black white grey pink golden silver")
NUMBERS = _words("""
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen twenty
""")
DAYS = _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS = _words("January February March April May June July August September October November December")

CAPITALS = _pairs("""
France:Paris,Italy:Rome,Spain:Madrid,Germany:Berlin,Portugal:Lisbon,Greece:Athens,Austria:Vienna,
Poland:Warsaw,Norway:Oslo,Sweden:Stockholm,Finland:Helsinki,Denmark:Copenhagen,Ireland:Dublin,
England:London,Scotland:Edinburgh,Wales:Cardiff,Belgium:Brussels,Hungary:Budapest,Russia:Moscow,
Turkey:Ankara,Egypt:Cairo,Kenya:Nairobi,Japan:Tokyo,China:Beijing,India:New Delhi,Thailand:Bangkok,
Vietnam:Hanoi,Australia:Canberra,Canada:Ottawa,Mexico:Mexico City,Cuba:Havana,Peru:Lima,Chile:Santiago,
Argentina:Buenos Aires,Colombia:Bogota,Iceland:Reykjavik,Ukraine:Kyiv,Romania:Bucharest,Bulgaria:Sofia,
Croatia:Zagreb,Serbia:Belgrade,Morocco:Rabat,Ghana:Accra,Nigeria:Abuja,Ethiopia:Addis Ababa,Iran:Tehran,
Iraq:Baghdad,Israel:Jerusalem,Jordan:Amman,Nepal:Kathmandu,Indonesia:Jakarta,Switzerland:Bern,
Estonia:Tallinn,Latvia:Riga,Lithuania:Vilnius,Slovakia:Bratislava,Slovenia:Ljubljana,Tunisia:Tunis,
Brazil:Brasilia,Uruguay:Montevideo,South Korea:Seoul,New Zealand:Wellington
""")

OPPOSITES = _pairs("""
hot:cold,big:small,tall:short,fast:slow,up:down,in:out,open:closed,day:night,light:dark,happy:sad,
old:new,hard:soft,wet:dry,full:empty,loud:quiet,heavy:light,early:late,near:far,rich:poor,strong:weak,
thick:thin,clean:dirty,first:last,left:right,top:bottom,true:false,good:bad,high:low,long:short,
wide:narrow,deep:shallow,rough:smooth,sweet:sour,begin:end,push:pull,give:take,buy:sell,win:lose,
love:hate,laugh:cry,arrive:leave,remember:forget,always:never,before:after,above:below,inside:outside,
north:south,east:west,summer:winter,friend:enemy,brave:afraid,polite:rude,sharp:blunt,asleep:awake,
easy:difficult,cheap:expensive,question:answer,float:sink,lost:found,more:less,many:few,young:old,
bright:dim,front:back,safe:dangerous,simple:complicated
""")

SOUNDS = _pairs("""
dog:woof,cat:meow,cow:moo,sheep:baa,duck:quack,pig:oink,hen:cluck,rooster:cock-a-doodle-doo,horse:neigh,
owl:hoot,frog:croak,bee:buzz,lion:roar,snake:hiss,mouse:squeak,crow:caw,donkey:hee-haw,goose:honk,
wolf:howl,bird:tweet,turkey:gobble,goat:bleat,pigeon:coo
""")

LEGS = _pairs("""
spider:eight,dog:four,cat:four,ant:six,bee:six,hen:two,duck:two,cow:four,horse:four,beetle:six,
snake:no,bird:two,butterfly:six,crab:ten,fox:four,octopus:eight,table:four
""")

COLOUR_OF = _pairs("""
the grass:green,snow:white,coal:black,a lemon:yellow,a ripe tomato:red,a carrot:orange,
the clear daytime sky:blue,milk:white,a banana:yellow,a frog:green,blood:red,chocolate:brown,
a raven:black,an elephant:grey,a sunflower:yellow,a strawberry:red,a pumpkin:orange,a cherry:red,
salt:white,a plum:purple,a flamingo:pink
""")

YOUNG = _pairs("""
dog:puppy,cat:kitten,cow:calf,sheep:lamb,horse:foal,hen:chick,duck:duckling,goose:gosling,pig:piglet,
goat:kid,bear:cub,fox:cub,deer:fawn,frog:tadpole,lion:cub,kangaroo:joey,owl:owlet,swan:cygnet,
hare:leveret
""")

KINDS: dict[str, list[str]] = {
    "a fruit": _words("apple pear plum cherry banana orange grape lemon peach melon fig mango"),
    "a vegetable": _words("carrot potato onion cabbage pea bean leek turnip spinach celery"),
    "a bird": _words("robin owl duck crow swan sparrow eagle pigeon heron gull"),
    "an insect": _words("ant bee beetle moth butterfly wasp fly grasshopper cricket"),
    "a tool": _words("hammer saw spade drill chisel rake wrench axe"),
    "a musical instrument": _words("flute drum violin piano trumpet harp guitar cello"),
    "a colour": _words("red blue green yellow purple orange brown pink"),
    "a tree": _words("oak beech pine willow birch maple elm ash"),
    "a flower": _words("rose daisy tulip lily poppy violet sunflower snowdrop"),
    "a vehicle": _words("car bus train bicycle tram lorry ship boat"),
    "a shape": _words("circle square triangle rectangle oval hexagon star"),
    "a metal": _words("iron copper gold silver tin zinc lead"),
    "a fish": _words("trout salmon cod herring carp pike"),
    "a piece of clothing": _words("shirt coat sock hat scarf glove skirt jacket"),
    "a piece of furniture": _words("chair table bed wardrobe sofa desk shelf"),
}

CHILDREN = ("girl", "boy")
# trades whose word says "man"
MENS_CRAFTS = ("fisherman", "postman", "ferryman")
FEMALE_ANIMALS = ("hen", "cow")
INDOORS = ("the library", "the bakery", "the attic", "the greenhouse", "the barn", "the station", "the cave")
OUTDOORS: list[Place] = [place for place in PLACES if place.name not in INDOORS]
