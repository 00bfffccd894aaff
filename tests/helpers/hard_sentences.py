"""Sixty sentences of our own that tell methods apart, and what leave-one-out says of each.

Twelve each of negation, contrast, concession, irony and long distance: in all of them the words
that decide are not the ones that sound strongest. The label is what a reader says; the embedded
model is often wrong here, which is no matter: a method has to say what the model does. Stored are
the log-odds that the embedded model gives the label's class, and the three words that matter most
to it: the number of the word, the word, and what the log-odds lose without it (positive: it
supports the label's class; negative: it opposes it).
"""

from __future__ import annotations

from typing import NamedTuple


class Hard(NamedTuple):
    """One sentence: its kind, the reader's label (0 negative, 1 positive), leave-one-out."""

    kind: str
    label: int
    log_odds: float
    strongest: tuple[tuple[int, str, float], ...]
    text: str


# fmt: off
HARD = (
    Hard("negation", 0, 4.57, ((3, "not", 9.78), (4, "good", 4.05), (2, "is", 0.05)),
         "The film is not good."),
    Hard("negation", 1, 3.58, ((3, "not", 8.19), (4, "bad", 4.69), (5, "at", -0.05)),
         "The film is not bad at all."),
    Hard("negation", 1, -4.00, ((3, "audience", -0.85), (1, "in", -0.38), (2, "the", -0.31)),
         "Nobody in the audience was bored."),
    Hard("negation", 0, 3.91, ((2, "nothing", 8.87), (3, "here", 0.28), (4, "to", -0.19)),
         "There is nothing here to enjoy."),
    Hard("negation", 0, 2.66, ((1, "cannot", 6.15), (2, "recommend", 1.70), (5, "anyone", -0.52)),
         "I cannot recommend it to anyone."),
    Hard("negation", 1, -3.02, ((1, "cannot", -8.14), (4, "warmly", 0.88), (2, "recommend", 0.30)),
         "I cannot recommend it warmly enough."),
    Hard("negation", 1, 1.27, ((1, "never", 5.96), (2, "becomes", -0.89), (3, "dull", 0.70)),
         "It never becomes dull, silly or sentimental."),
    Hard("negation", 0, 2.83, ((1, "never", 8.02), (6, "or", 1.18), (5, "warm", -0.64)),
         "It never becomes funny, warm or exciting."),
    Hard("negation", 1, 2.05, ((0, "Without", 4.59), (10, "fine", 3.07), (3, "wasted", 2.89)),
         "Without a single wasted scene, it moves like a fine watch."),
    Hard("negation", 0, 4.09, ((0, "No", 0.59), (3, "no", 0.49), (6, "no", 0.39)),
         "No wit, no charm and no reason to exist."),
    Hard("negation", 1, -2.34, ((2, "hardly", 2.09), (7, "feared", -0.64), (3, "the", 0.27)),
         "This is hardly the failure that people feared."),
    Hard("negation", 0, 3.56, ((2, "not", 1.06), (10, "not", 0.85), (1, "would", -0.42)),
         "I would not call it clever, and I would not call it moving."),
    Hard("contrast", 0, 2.45, ((9, "dead", 7.24), (5, "but", 3.39), (1, "costumes", -1.13)),
         "The costumes are gorgeous, but the story is dead."),
    Hard("contrast", 1, 3.55, ((10, "gorgeous", 7.13), (3, "dead", -1.58), (8, "result", -0.34)),
         "The story is dead simple, but the result is gorgeous."),
    Hard("contrast", 1, 4.16, ((11, "delight", 6.87), (5, "bore", -0.95), (2, "hour", 0.82)),
         "The first hour is a bore; the second is a delight."),
    Hard("contrast", 0, 3.79, ((11, "bore", 8.74), (5, "delight", -0.57), (2, "hour", 0.30)),
         "The first hour is a delight; the second is a bore."),
    Hard("contrast", 0, -0.80, ((10, "not", 4.37), (0, "Her", 1.98), (2, "is", 1.94)),
         "Her performance is brilliant, the film around her is not."),
    Hard("contrast", 1, -3.17, ((3, "bored", -4.95), (14, "right", 0.99), (6, "children", 0.54)),
         "The critics were bored, the children were enchanted, and the children were right."),
    Hard("contrast", 1, -4.07, ((2, "cheap", -1.68), (1, "looks", 0.24), (3, "and", 0.15)),
         "It looks cheap and feels priceless."),
    Hard("contrast", 0, 4.42, ((5, "worthless", 5.26), (1, "looks", -0.23), (2, "expensive", 0.18)),
         "It looks expensive and feels worthless."),
    Hard("contrast", 0, -1.25, ((6, "masterpiece", -1.84), (3, "hoping", 0.85), (1, "went", 0.67)),
         "I went in hoping for a masterpiece and came out looking for my hat."),
    Hard("contrast", 1, -4.29, ((5, "worst", -2.54), (3, "fearing", 0.26), (9, "humming", -0.09)),
         "I went in fearing the worst and came out humming."),
    Hard("contrast", 0, 3.58, ((13, "stupid", 7.29), (6, "wise", -0.83), (4, "subtle", -0.65)),
         "Where the book was subtle and wise, the film is loud and stupid."),
    Hard("contrast", 1, 3.95, ((9, "lively", 2.30), (4, "tedious", -0.79), (11, "sharp", 0.32)),
         "Where the book was tedious, the film is lively and sharp."),
    Hard("concession", 1, 4.53, ((10, "joy", 6.13), (0, "Although", 3.21), (4, "clumsy", -0.53)),
         "Although the ending is clumsy, the film is a joy."),
    Hard("concession", 0, 4.06, ((11, "mess", 9.11), (0, "Although", 1.22), (5, "joy", -0.33)),
         "Although the opening is a joy, the film is a mess."),
    Hard("concession", 1, 1.63, ((3, "wooden", -2.67), (9, "thrilling", 1.74), (0, "Even", -1.18)),
         "Even with its wooden dialogue, it is a thrilling ride."),
    Hard("concession", 0, 1.28, ((9, "tiresome", 6.05), (10, "ride", -1.40), (3, "fine", -1.39)),
         "Even with its fine cast, it is a tiresome ride."),
    Hard("concession", 1, 4.89, ((8, "honest", 1.40), (3, "flaws", -0.23), (9, "and", 0.22)),
         "For all its flaws, this is an honest and moving picture."),
    Hard("concession", 0, 4.39, ((10, "lifeless", 1.39), (8, "empty", 0.29), (6, "is", 0.22)),
         "For all its beauty, this is an empty and lifeless picture."),
    Hard("concession", 1, -3.39, ((3, "long", -0.79), (2, "too", -0.56), (7, "too", -0.51)),
         "It is too long, it is too loud, and still I would see it again."),
    Hard("concession", 0, -2.27, ((14, "not", 1.63), (2, "well", -1.54), (13, "would", 0.96)),
         "It is well acted, it is well shot, and still I would not sit through it again."),
    Hard("concession", 1, 1.92, ((8, "warmth", 3.97), (5, "stale", -3.09), (12, "fresh", 1.21)),
         "Granted, the jokes are stale; the warmth behind them is fresh."),
    Hard("concession", 0, 4.47, ((12, "rotten", 7.84), (5, "fresh", -0.17), (0, "Granted", -0.17)),
         "Granted, the jokes are fresh; the plot beneath them is rotten."),
    Hard("concession", 1, 1.77, ((0, "Despite", 5.48), (8, "loveliest", 3.84), (1, "a", 2.95)),
         "Despite a terrible title, one of the loveliest films of the year."),
    Hard("concession", 0, 3.96, ((9, "terrible", 7.85), (0, "Despite", 5.16), (1, "a", 1.18)),
         "Despite a lovely title, one of the most terrible films of the year."),
    Hard("irony", 0, 1.41, ((5, "waste", 6.36), (2, "wonderful", -2.91), (0, "What", 0.44)),
         "What a wonderful way to waste two hours."),
    Hard("irony", 0, -4.72, ((1, "perfect", -3.72), (9, "walls", 0.26), (0, "A", -0.24)),
         "A perfect film for people who like to watch walls."),
    Hard("irony", 0, -2.59, ((8, "brilliant", -2.70), (12, "insomnia", 1.88), (1, "you", -0.94)),
         "Thank you, dear director, for a brilliant cure for my insomnia."),
    Hard("irony", 0, -3.29, ((1, "best", -3.71), (8, "ends", 1.62), (3, "about", 0.51)),
         "The best thing about it is that it ends."),
    Hard("irony", 0, -3.20, ((2, "enjoy", -1.66), (12, "love", -1.43), (0, "If", 1.21)),
         "If you enjoy the sound of a dentist's drill, you will love the score."),
    Hard("irony", 0, 1.88, ((5, "exit", 3.47), (1, "favourite", -1.29), (2, "scene", 0.67)),
         "My favourite scene was the exit sign."),
    Hard("irony", 0, 0.29, ((1, "laughed", -1.17), (3, "hard", 0.53), (2, "so", 0.50)),
         "I laughed so hard that I almost woke up."),
    Hard("irony", 0, 3.17, ((10, "little", 1.04), (6, "gathered", 0.57), (0, "Rarely", -0.33)),
         "Rarely has so much talent been gathered to achieve so little."),
    Hard("irony", 1, 0.41, ((10, "cry", -1.74), (9, "me", -0.58), (17, "do", -0.55)),
         "I am furious with this film: it made me cry in public and I want to do it again."),
    Hard("irony", 1, -1.77, ((0, "Warning", -3.34), (4, "cause", -2.71), (6, "happiness", 1.55)),
         "Warning: it may cause serious happiness."),
    Hard("irony", 1, -4.31, ((2, "bad", -0.96), (3, "thing", -0.59), (1, "only", 0.22)),
         "The only bad thing about it is that it has to end."),
    Hard("irony", 1, -4.24, ((1, "hated", -0.19), (8, "gone", -0.12), (5, "three", -0.12)),
         "I hated how quickly those three hours were gone."),
    Hard("long distance", 1, -4.28,
         ((13, "boring", -0.87), (16, "disaster", -0.74), (15, "pointless", -0.69)),
         "The film that everyone from my barber to my boss had called a boring, pointless "
         "disaster is wonderful."),
    Hard("long distance", 0, -1.59,
         ((19, "disaster", 3.48), (13, "wonderful", -2.49), (16, "triumph", -1.75)),
         "The film that everyone from my barber to my boss had called a wonderful, moving "
         "triumph is a disaster."),
    Hard("long distance", 0, -1.83, ((2, "not", 3.16), (8, "whose", -1.81), (16, "life", -1.60)),
         "I do not think that the director, whose earlier work was original and full of life, "
         "has made a good film here."),
    Hard("long distance", 1, -3.28, ((12, "dull", -2.12), (2, "not", 0.93), (3, "think", -0.87)),
         "I do not think that the director, whose earlier work was dull and full of noise, has "
         "made a bad film here."),
    Hard("long distance", 0, -0.40,
         ((0, "Nothing", 4.26), (14, "persuade", -2.40), (19, "worth", -1.47)),
         "Nothing in the lavish sets, the soaring music or the famous faces could persuade me "
         "that this was worth my time."),
    Hard("long distance", 1, -2.39, ((19, "great", 0.80), (7, "thin", -0.79), (9, "or", -0.69)),
         "Nothing in the cheap sets, the thin music or the unknown faces could keep me from "
         "having a great time."),
    Hard("long distance", 0, 0.15, ((14, "sold", 2.33), (24, "fine", -2.24), (20, "would", 0.87)),
         "If the people who made this had only half the talent of those who sold it to us, it "
         "would have been a fine evening."),
    Hard("long distance", 1, -3.89,
         ((8, "ugly", -1.11), (5, "awkward", -0.55), (23, "beautifully", 0.54)),
         "It takes an hour of awkward silences and ugly rooms to get there, but the last scene "
         "repays every minute of it beautifully."),
    Hard("long distance", 0, -1.51, ((1, "great", -1.92), (6, "gone", 1.79), (18, "none", 1.76)),
         "A great deal of care has gone into the light, the hats and the horses, and none at "
         "all into the people who speak."),
    Hard("long distance", 1, -0.34, ((0, "Only", -1.18), (7, "friend", -0.93), (15, "sit", -0.81)),
         "Only someone who has never lost a friend, or never had one, could sit through this "
         "quiet film and feel nothing."),
    Hard("long distance", 0, -4.06, ((22, "among", -3.08), (5, "tender", -1.33), (19, "not", 0.74)),
         "She was praised for the tender, funny and fearless films of her youth, and this one "
         "will not be remembered among them."),
    Hard("long distance", 1, -4.64, ((5, "lazy", -0.17), (9, "shallow", -0.11), (7, "ugly", -0.10)),
         "He was blamed for the lazy, ugly and shallow films of his youth, and this one will "
         "make everybody forget them."),
)
# fmt: on
