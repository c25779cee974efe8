# ruff: noqa: E501 - data: a template is one line, so that a person can read and grep it
"""What happens inside the plots: skills to learn, contests, fears, seeds, obstacles and titles."""

from typing import NamedTuple


class Skill(NamedTuple):
    """Something that is hard to learn; all but the first two are sentences."""

    verb: str
    gerund: str
    why: str
    failure: str
    tip: str
    success: str


class Contest(NamedTuple):
    """Something two can compete in; the last three are sentences in the order of the tale."""

    verb: str
    third_person: str
    quick_start: str
    slow_one: str
    turn: str


class Fear(NamedTuple):
    """Something to be afraid of, its noun in a title, and sentences on why and how it is overcome."""

    thing: str
    title: str
    why: str
    need: str
    step: str
    done: str


class Seed(NamedTuple):
    """A plant, and what stood there in the end."""

    plant: str
    grown: str


SKILLS: list[Skill] = [
    Skill(
        "swim",
        "swimming",
        "{He} had always loved the water, but only from the bank.",
        "{He} splashed about, swallowed half the pond and had to be pulled out.",
        "Do not fight the water. Let it carry you",
        "{He} lay on the water as lightly as a leaf and glided across.",
    ),
    Skill(
        "whistle",
        "whistling",
        "All the others could do it, and it sounded so cheerful.",
        "Only air came out, and a little spit.",
        "Make your lips small and blow as if you were cooling soup",
        "A clear, high note flew out over the roofs.",
    ),
    Skill(
        "bake bread",
        "baking bread",
        "Nothing smelled as good as the bakery at dawn.",
        "The loaf was black outside and wet inside.",
        "Give the dough time. It must rest, as you must",
        "The loaf was round and golden and sang softly as it cooled.",
    ),
    Skill(
        "skate",
        "skating",
        "The frozen lake looked like a great dance floor.",
        "{He} sat down on the ice eleven times.",
        "Bend your knees and look ahead, not at your feet",
        "{He} swept across the ice in a long, easy curve.",
    ),
    Skill(
        "play the fiddle",
        "playing the fiddle",
        "{He} had heard a fiddler at a wedding and never forgotten it.",
        "It sounded like a gate that needed oil.",
        "Hold the bow as if it were a small bird",
        "The tune rose from the strings, sweet and true.",
    ),
    Skill(
        "juggle",
        "juggling",
        "{He} had seen a juggler at the fair with six golden balls.",
        "The balls rolled under the cupboard.",
        "Start with one ball, and only then take two",
        "Three balls flew in a circle, and none of them fell.",
    ),
    Skill(
        "tie knots",
        "tying knots",
        "Every sailor could do it with closed eyes.",
        "The rope looked like a plate of noodles.",
        "Go slowly, and say the steps aloud",
        "The knot held fast, however hard {he} pulled.",
    ),
    Skill(
        "paint birds",
        "painting birds",
        "{He} wanted to keep the bright birds for the winter.",
        "The bird looked like a potato with feet.",
        "Look ten times before you draw one line",
        "The little bird on the paper seemed ready to fly off.",
    ),
    Skill(
        "ride a bicycle",
        "riding a bicycle",
        "It looked like flying close to the ground.",
        "{He} wobbled, rang the bell in alarm and landed in a hedge.",
        "Look where you want to go, and keep on pedalling",
        "{He} rolled down the lane without a wobble.",
    ),
    Skill(
        "climb trees",
        "climbing trees",
        "From the top one could surely see the sea.",
        "{He} slid down again and tore {his} sleeve.",
        "Three limbs on the tree, and only one may move",
        "{He} sat on the highest branch with the wind in {his} face.",
    ),
    Skill(
        "read",
        "reading",
        "Books were full of doors {he} could not open.",
        "The letters swam about like tadpoles.",
        "Take one letter at a time, and let them hold hands",
        "{He} read a whole page aloud, and the page made sense.",
    ),
    Skill(
        "dance",
        "dancing",
        "When music played, {his} feet could not keep still.",
        "{He} stepped on everyone's toes, even {his} own.",
        "Listen first. The music tells your feet what to do",
        "{He} turned and turned, as light as a feather.",
    ),
    Skill(
        "skip stones",
        "skipping stones",
        "A skipping stone was like a small miracle.",
        "Plop, plop, plop. Every stone sank at once.",
        "Choose a flat one, and throw it low",
        "The stone skipped seven times and left seven rings.",
    ),
    Skill(
        "knit",
        "knitting",
        "Winter was coming, and {his} ears were always cold.",
        "The scarf was as short as a sausage and full of holes.",
        "Count your stitches, and do not pull so hard",
        "There lay a scarf, long and even and warm.",
    ),
    Skill(
        "row a boat",
        "rowing a boat",
        "The island in the lake had been calling {him} for years.",
        "The boat went round and round in a circle.",
        "Pull with both sides alike, and look back to where you came from",
        "The boat ran straight as an arrow to the island.",
    ),
    Skill(
        "carve wood",
        "carving wood",
        "In every piece of wood {he} saw something asleep.",
        "The little horse had three legs and no head.",
        "Let the wood tell you where to cut",
        "A small wooden horse stood there with its mane in the wind.",
    ),
    Skill(
        "sing",
        "singing",
        "At night {he} dreamed of songs.",
        "It came out as a croak, and two birds flew away.",
        "Breathe from your belly, and do not be afraid of your own voice",
        "{His} voice rose over the roofs, and windows opened to hear it.",
    ),
    Skill(
        "tell stories",
        "telling stories",
        "Whoever could tell stories was never alone.",
        "{He} began with the end and forgot the middle.",
        "Begin with somebody who wants something",
        "Nobody moved until the last word was spoken.",
    ),
]
CONTESTS: list[Contest] = [
    Contest(
        "run",
        "runs",
        "{A} shot off like an arrow and was soon out of sight.",
        "{bhe} kept an even pace and breathed calmly.",
        "Near the end {A} was so far ahead that {he} stopped to pick a flower and wave to the crowd. When {he} looked up, {B} had just crossed the line.",
    ),
    Contest(
        "swim",
        "swims",
        "{A} dived in with a great splash and made a fine wave.",
        "{bhe} swam stroke after stroke, straight ahead.",
        "{A} swam in loops to show off, and the current carried {him} far to the side. {B} touched the other bank first.",
    ),
    Contest(
        "build a tower",
        "builds towers",
        "{A} piled up stones as fast as {he} could.",
        "{bhe} chose each stone with care and began with the biggest.",
        "{A}'s tower grew tall and thin. Then it leaned, and shook, and fell. {B}'s tower stood.",
    ),
    Contest(
        "sing",
        "sings",
        "{A} sang so loudly that the leaves trembled.",
        "When it was {bhis} turn, {bhe} sang quite simply, as if for a child.",
        "{A} tried a note that was too high, and {his} voice cracked. {B}'s little song made everyone quiet.",
    ),
    Contest(
        "bake a cake",
        "bakes",
        "{A} put in everything that {he} could find: nuts, pepper, plums and pickles.",
        "{bhe} took only flour, eggs, butter and a little lemon.",
        "{A}'s cake looked splendid, but nobody could eat it. Of {B}'s cake not one crumb was left.",
    ),
    Contest(
        "paint a picture",
        "paints",
        "{A} used every colour at once and talked while {he} painted.",
        "{bhe} looked at the hills for a long time before {bhe} took up the brush.",
        "{A}'s picture became a brown puddle. In {B}'s picture one could feel the evening coming.",
    ),
    Contest(
        "climb",
        "climbs",
        "{A} scrambled up without looking and laughed at the others.",
        "{bhe} tested every hold before {bhe} trusted it.",
        "Just below the top, {A} reached for a loose stone and slid back down, bump, bump, bump. {B} arrived at the top a little later.",
    ),
    Contest(
        "row",
        "rows",
        "{A} pulled so hard that the water foamed.",
        "{bhe} dipped the oars without a sound.",
        "Halfway across, {A}'s oar broke with a crack. {B} glided past and reached the buoy.",
    ),
    Contest(
        "solve riddles",
        "solves riddles",
        "{A} answered each riddle before it was finished, and {he} was right twice.",
        "{bhe} closed {bhis} eyes and listened to the end.",
        'The last riddle was this: "What gets bigger the more you take away from it?" "A mountain!" shouted {A}. "A hole," said {B}, and {bhe} was right.',
    ),
    Contest(
        "catch fish",
        "catches fish",
        "{A} waded in, threw the net here and there and shouted.",
        "{bhe} sat so still that a dragonfly landed on {bhis} hat.",
        "{A} had frightened all the fish away, straight to the quiet place where {B} was sitting.",
    ),
    Contest(
        "jump",
        "jumps",
        "{A} took a huge run-up and made the first jump with a twist in the air.",
        "{bhe} measured the distance and made small, even jumps.",
        "On the last jump {A} looked at the crowd instead of the line and landed in the mud. {B} landed just behind the line, but on {bhis} feet.",
    ),
    Contest(
        "grow a pumpkin",
        "grows pumpkins",
        "{A} watered {his} pumpkin ten times a day and measured it every hour.",
        "{bhe} dug in some compost and let the sun do the rest.",
        "{A}'s pumpkin rotted from too much water. {B}'s grew until it was as big as a washtub.",
    ),
]
FEARS: list[Fear] = [
    Fear(
        "the dark",
        "Dark",
        "As soon as the lamp was out, every chair became a bear.",
        "My lantern has gone out, and I must get home through the wood.",
        "The dark was not quite black after all; there were stars in it, and glow-worms.",
        "They came out on the other side of the wood, and there was the lit window.",
    ),
    Fear(
        "deep water",
        "Deep Water",
        "Once {he} had fallen into a ditch, and {he} had not forgotten it.",
        "My boat has drifted off, and my little sister is asleep in it.",
        "The water came up to {his} knees, then to {his} belly, and it was cool and soft.",
        "{He} caught the rope of the boat, and the little one had not even woken up.",
    ),
    Fear(
        "thunder",
        "Thunder",
        "When it rumbled, {he} crept under the table.",
        "The sheep are out on the hill, and a storm is coming.",
        "After each flash they counted aloud, and that made it easier.",
        "They drove the last sheep through the gate just as the rain began.",
    ),
    Fear(
        "heights",
        "Tower",
        "Even on a stool {he} felt dizzy.",
        "A kitten is stuck on top of the tower.",
        "{He} did not look down; {he} looked at the next step, and only at that.",
        "At the top the kitten jumped straight into {his} arms, and the view was wide and blue.",
    ),
    Fear(
        "speaking in front of others",
        "Speech",
        "As soon as three people looked at {him}, {his} mouth went dry.",
        "You are the only one who knows the story, and everyone is waiting.",
        "{He} began very softly, and then {he} found one kind face and told it to that one.",
        "At the end nobody coughed, and then they all clapped.",
    ),
    Fear(
        "big dogs",
        "Big Dog",
        "Long ago a dog had barked at {him} through a fence.",
        "I must bring this bag to the farm, and the big dog lies before the door.",
        "The dog lifted its head, sniffed {his} sleeve and wagged its tail.",
        "The dog walked beside them all the way back, as if it had always belonged to them.",
    ),
    Fear(
        "the old house",
        "Old House",
        "People said that something sighed in it at night.",
        "My ball has flown through its window.",
        "The stairs creaked, the curtains moved, and something did sigh: it was the wind in the chimney.",
        "They found the ball under a chair, and beside it five baby owls.",
    ),
    Fear(
        "being alone",
        "Empty House",
        "Silence seemed to {him} like a big animal.",
        "I must go to the doctor, and somebody has to mind the shop.",
        "{He} dusted the shelves and hummed, and soon the silence hummed along.",
        "When the shop closed, {he} had sold three candles and had not been lonely for a minute.",
    ),
    Fear(
        "the cave",
        "Cave",
        "It was so deep that no one had seen its end.",
        "The spring in the cave is blocked, and the village has no water.",
        "The lamp threw dancing shadows, but they were only the shadows of two friends.",
        "{He} pulled out the stone, and the water leapt past them into the light.",
    ),
]
SEEDS: list[Seed] = [
    Seed(
        "Sunflower",
        "there stood a sunflower, taller than the house",
    ),
    Seed(
        "Bean",
        "a beanstalk climbed up to the window, full of long green beans",
    ),
    Seed(
        "Pumpkin",
        "there lay a pumpkin so big that {he} could have lived in it",
    ),
    Seed(
        "Rose",
        "a rose opened, red as an evening sky",
    ),
    Seed(
        "Apple Tree",
        "there stood a little tree, and it was already as tall as {A}",
    ),
    Seed(
        "Poppy",
        "a poppy unfolded like a crumpled silk scarf",
    ),
    Seed(
        "Melon",
        "three melons lay in the leaves, sweet and heavy",
    ),
    Seed(
        "Cornflower",
        "a cloud of blue flowers danced in the wind",
    ),
]
OBSTACLES: list[str] = [
    "A tree had fallen across the path, and {he} had to climb over it, branch by branch.",
    "The bridge was gone, so {he} stepped from stone to stone and got only one foot wet.",
    "Fog came up, and {he} followed the sound of a far-off bell.",
    "A gate was locked, but {he} found a gap in the hedge.",
    "The path split in two. {He} chose the left one, which led into nettles, and turned back to take the right one.",
    "A goose blocked the way and hissed. {He} bowed politely, and the goose let {him} pass.",
    "It grew so steep that {he} had to rest after every ten steps.",
    "A shower soaked {him} to the skin, so {he} sang to keep warm.",
    "There was a wide puddle, and {he} crossed it on an old door.",
    "The wind blew so hard that {he} had to walk backwards.",
    "A signpost had fallen over, and {he} needed some time to work out which way it had pointed.",
    "Thistles pricked {his} legs, but {he} did not turn back.",
]
WORKSHOPS: list[str] = [
    "a dusty workshop",
    "an old clock shop",
    "a shed full of gears",
    "the cellar of an inventor",
    "the back room of a bicycle shop",
]
WAYS_DOWN: list[str] = [
    "down the lane",
    "up the path",
    "across the field",
    "over the bridge",
    "down the hill",
]
# one sentence that brings in both characters, instead of one for each
OPENINGS_FOR_TWO: list[str] = [
    "Once there were two friends, {A}, a {aadj} {asp}, and {B}, a {badj} {bsp}.",
    "Once upon a time, there were two friends named {A} and {B}. {A} was a {asp}, and {B} was a {bsp}.",
    "{A} the {asp} and {B} the {bsp} were friends. {A} was {aadj}, and {B} was {badj}.",
    "Near {place} lived two friends: {A}, who was a {aadj} {asp}, and {B}, who was a {badj} {bsp}.",
    "Once upon a time, a {asp} named {A} and a {bsp} named {B} lived side by side near {place}.",
]
TITLES: list[str] = [
    "{title}",
    "{title}",
    "{A} and {B}",
    "The {Asp} and the {Oobj}",
    "{A} and the {Oobj}",
    "The {Aadj} {Asp}",
    "{A}'s Story",
]

# plots in which an object matters, so that it may stand in the title
OBJECT_PLOTS: set[str] = {
    "gift",
    "lost",
    "mend",
    "misunderstanding",
    "mystery",
    "newcomer",
    "quarrel",
    "return",
    "treasure",
}
OUTDOOR_PLOTS: set[str] = {
    "art",
    "bird",
    "bridge",
    "cart",
    "contest",
    "gift",
    "hat",
    "journey",
    "moon",
    "newcomer",
    "quarrel",
    "robot",
    "sick",
    "storm",
    "stranger",
    "tools",
    "treasure",
    "trick",
    "winter",
    "wish",
}
BREAKABLE: list[str] = [
    "lantern",
    "drum",
    "flute",
    "boat",
    "cup",
    "whistle",
    "umbrella",
    "mirror",
    "shell",
    "clock",
    "sledge",
    "fiddle",
    "teapot",
    "jar",
    "box",
    "puppet",
    "telescope",
    "compass",
    "spoon",
    "weathervane",
    "locket",
    "watch",
    "wagon",
    "kite",
    "bell",
    "music box",
    "rocking horse",
    "snow globe",
    "magnifying glass",
    "walking stick",
]
SMALL_ANIMALS: list[str] = [
    "mouse",
    "mole",
    "frog",
    "snail",
    "sparrow",
    "robin",
    "kitten",
    "lizard",
    "dormouse",
    "weasel",
    "ant",
    "beetle",
    "spider",
    "bee",
    "crab",
    "bat",
    "toad",
]

# what a person asks for when they want a tale of this plot
THEMES: dict[str, str] = {
    "lost": "something that was lost",
    "quarrel": "a quarrel",
    "promise_kept": "a promise",
    "promise_broken": "a broken promise",
    "contest": "a contest",
    "journey": "a journey",
    "secret": "a secret",
    "storm": "a storm",
    "skill": "learning something",
    "share": "sharing",
    "stranger": "a stranger",
    "mystery": "a mystery",
    "misunderstanding": "a misunderstanding",
    "fear": "being brave",
    "gift": "a gift",
    "seed": "a seed",
    "newcomer": "a new neighbour",
    "wish": "three wishes",
    "winter": "winter",
    "trick": "a trick",
    "moon": "the moon",
    "robot": "a robot",
    "treasure": "a treasure",
    "bridge": "a bridge",
    "sleep": "somebody who cannot sleep",
    "bird": "a little bird",
    "cart": "helping",
    "bottle": "a message in a bottle",
    "shortcut": "a shortcut",
    "rumour": "a rumour",
    "hat": "a hat",
    "small": "somebody who is too small",
    "ending": "a book without an end",
    "tools": "building something",
    "sick": "a sick friend",
    "noise": "a noisy neighbour",
    "art": "a painter",
    "time": "time",
}
