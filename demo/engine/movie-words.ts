/** The words of one genre's titles: made to go with each other in any of the forms of `movie-titles.ts`. */
export interface GenreWords {
  name: string
  /** Genres that go with this one. */
  kindred: readonly string[]
  adjectives: readonly string[]
  /** Things, as they follow "the". */
  nouns: readonly string[]
  /** People, as they follow "the". */
  people: readonly string[]
  /** What happens, as it stands before "in Varna". */
  events: readonly string[]
}

const words = (text: string) => text.split(', ')

/** From the largest group to the smallest. */
export const genreWords: readonly GenreWords[] = [
  {
    name: 'Drama',
    kindred: ['Romance', 'War', 'Crime'],
    adjectives: words('Last, Unfinished, Borrowed, Patient, Hollow, Ordinary, Distant, Fragile, Inherited, Unspoken'),
    nouns: words(
      'Lighthouse, Orchard, Harvest, Letter, Ferry, Inheritance, Threshold, Snowfall, Violin, Cannery, Silence',
    ),
    people: words('Ferryman, Piano Tuner, Schoolmaster, Beekeeper, Widow, Glassblower, Seamstress, Organist, Miller'),
    events: words('Late Autumn, A Quiet Year, Seven Sundays, An Empty House, Slow Water, Low Tide'),
  },
  {
    name: 'Comedy',
    kindred: ['Romance', 'Animation', 'Crime'],
    adjectives: words(
      'Accidental, Perfectly Good, Reluctant, Overdue, Slightly Used, Unlikely, Misplaced, Third Best, Loud',
    ),
    nouns: words(
      'Honeymoon, Trombone, Mattress, Landlord, Buffet, Wedding Cake, Parrot, Lawnmower, Reunion, Casserole',
    ),
    people: words(
      'Dentist, Best Man, Weatherman, Mayor, Babysitter, Understudy, Tax Inspector, Mother-in-Law, Plumber',
    ),
    events: words('Too Many Cousins, Nobody Sleeps, Wrong Luggage, A Terrible Lunch, Three Weddings Late, No Refunds'),
  },
  {
    name: 'Thriller',
    kindred: ['Crime', 'Drama', 'Horror'],
    adjectives: words('Silent, Forged, Blind, Second, Vanishing, Cold, Sealed, Hidden, Final, Burning, Double'),
    nouns: words(
      'Corridor, Cipher, Alibi, Passport, Elevator, Bystander, Signal, Deadline, Protocol, Motive, Trapdoor',
    ),
    people: words('Courier, Informant, Locksmith, Translator, Night Clerk, Stowaway, Impostor, Interpreter, Diver'),
    events: words('Midnight, No Signal, Thirteen Minutes, A Body Double, Blackout, One Way Out'),
  },
  {
    name: 'Romance',
    kindred: ['Drama', 'Comedy', 'Fantasy'],
    adjectives: words('Tender, Impossible, Secret, Sunlit, Second, Wayward, Gentle, Faithless, Moonlit, Unsent'),
    nouns: words('Serenade, Bouquet, Kiss, Promise, Waltz, Postcard, Summer, Balcony, Rendezvous, Lilac, Proposal'),
    people: words('Florist, Dancing Master, Bookbinder, Lifeguard, Violinist, Perfumer, Gardener, Baker, Cellist'),
    events: words('Springtime, A Dance, Love Letters, Two Umbrellas, One More Waltz, Strangers'),
  },
  {
    name: 'Crime',
    kindred: ['Thriller', 'Drama', 'Western'],
    adjectives: words('Crooked, Dirty, Marked, Stolen, Rotten, Loaded, Quick, Lucky, Bitter, Counterfeit'),
    nouns: words('Ledger, Diamond, Heist, Racket, Getaway, Switchblade, Jury, Vault, Payoff, Docks, Revolver'),
    people: words('Bookmaker, Safecracker, Bagman, Inspector, Counterfeiter, Pickpocket, Prosecutor, Fence, Snitch'),
    events: words('Murder, Four Thieves, A Clean Job, Bad Money, A Long Con, Nine Suspects'),
  },
  {
    name: 'Science Fiction',
    kindred: ['Thriller', 'Horror', 'Animation'],
    adjectives: words(
      'Orbital, Synthetic, Clockwork, Infinite, Quantum, Lunar, Parallel, Artificial, Interstellar, Dormant',
    ),
    nouns: words(
      'Beacon, Colony, Paradox, Nebula, Reactor, Android, Horizon, Satellite, Airlock, Transmission, Eclipse',
    ),
    people: words('Astronomer, Replicant, Cosmonaut, Terraformer, Navigator, Archivist, Machinist, Last Pilot, Cloner'),
    events: words('First Contact, Zero Gravity, Machines, Year 3000, A Second Sun, Lost Transmission'),
  },
  {
    name: 'Horror',
    kindred: ['Thriller', 'Fantasy', 'Science Fiction'],
    adjectives: words('Crawling, Bloodless, Whispering, Cursed, Rotting, Nameless, Hungry, Sleepless, Unholy, Buried'),
    nouns: words('Cellar, Attic, Coffin, Doll, Swamp, Asylum, Mirror, Harvest Moon, Cradle, Scarecrow, Crypt'),
    people: words(
      'Gravedigger, Embalmer, Ventriloquist, Chandler, Twins, Sexton, Leech Doctor, Night Nurse, Caretaker',
    ),
    events: words('Something Breathes, Screams, Nightfall, Teeth, A Grave Too Many, Cold Hands'),
  },
  {
    name: 'Fantasy',
    kindred: ['Animation', 'Romance', 'Horror'],
    adjectives: words('Enchanted, Silver, Forgotten, Winged, Emerald, Ancient, Sleeping, Thousandfold, Golden, Fabled'),
    nouns: words('Dragon, Amulet, Tower, Kingdom, Grimoire, Phoenix, Labyrinth, Sword, Oracle, Unicorn, Crown'),
    people: words('Spellwright, Goblin King, Alchemist, Enchantress, Runesmith, Moon Queen, Giant, Seer, Apprentice'),
    events: words('Spells, A Dragon Sleeps, Once More, Wizards, Seven Keys, Fairies'),
  },
  {
    name: 'Animation',
    kindred: ['Comedy', 'Fantasy', 'Science Fiction'],
    adjectives: words('Tiny, Bouncing, Fuzzy, Marvellous, Upside-Down, Sleepy, Polka-Dot, Musical, Wobbly, Purple'),
    nouns: words('Penguin, Balloon, Hedgehog, Teapot, Snowman, Robot, Pirate Ship, Pumpkin, Tortoise, Acorn, Kite'),
    people: words('Little Inventor, Toymaker, Mouse Captain, Baker Bear, Cloud Painter, Owl Professor, Puppeteer, Fox'),
    events: words('A Hippo, Adventures, Hide and Seek, Rabbits, A Big Parade, Snow Day'),
  },
  {
    name: 'Documentary',
    kindred: ['War', 'Drama'],
    adjectives: words('Living, Untold, Vanishing, Real, Measured, Working, Seasonal, Unseen, Everyday, Patient'),
    nouns: words(
      'Glacier, Archive, Coral Reef, Steelworks, Railway, Orchestra, Vaccine, Rainforest, Election, Volcano, River',
    ),
    people: words(
      'Cartographers, Lamp Makers, Street Vendors, Whale Counters, Ice Drillers, Beekeepers, Archivists, Weavers',
    ),
    events: words('A Day, Forty Years, Bread and Salt, Voices, Counting Birds, How Steel Is Made'),
  },
  {
    name: 'War',
    kindred: ['Drama', 'Documentary'],
    adjectives: words('Fallen, Iron, Scorched, Broken, Forward, Surrendered, Frozen, Hundredth, Encircled, Brave'),
    nouns: words('Battalion, Trench, Bridge, Convoy, Armistice, Regiment, Garrison, Minefield, Bugle, Front, Bunker'),
    people: words('Sapper, Drummer, Field Surgeon, Deserter, Colonel, Radio Operator, Gunner, Rear Guard, Medic'),
    events: words('Siege, No Retreat, Nine Days, Ceasefire, Mud and Iron, A Flag'),
  },
  {
    name: 'Western',
    kindred: ['Crime', 'Romance', 'Drama'],
    adjectives: words('Dusty, Lonesome, Thirsty, Sundown, Outlawed, Hanging, Painted, Rattlesnake, One-Eyed, Wanted'),
    nouns: words('Canyon, Stagecoach, Saddle, Mustang, Saloon, Prairie, Gallows, Homestead, Winchester, Mesa, Spur'),
    people: words('Sheriff, Gunsmith, Drifter, Undertaker, Cattle Baron, Bounty Hunter, Blacksmith, Rancher, Preacher'),
    events: words('High Sun, Showdown, Six Bullets, Dead Cattle, Gold, A Rope'),
  },
]

export const genreNames: readonly string[] = genreWords.map(({ name }) => name)

const kindredOf = genreWords.map(({ kindred }) => kindred.map(name => genreNames.indexOf(name)))

/** Genres, by index, that go with a genre. */
export const kindred = (genre: number): readonly number[] => kindredOf[genre]!

/** Towns that exist and towns that do not. */
export const places: readonly string[] = [
  ...words(
    'Varna, Trieste, Oulu, Cork, Nantes, Ghent, Bergen, Porto, Lviv, Gdansk, Tartu, Ravenna, Malmo, Leith, Izmir',
  ),
  ...words(
    'Port Ellery, Marrow Creek, Halden, Saint Ode, Cinder Falls, Wexmoor, Bellwater, North Quay, Osterby, Dunmarrow',
  ),
  ...words(
    'Salta, Valdivia, Merida, Recife, Tampico, Galveston, Duluth, Spokane, Halifax, Darwin, Nelson, Kobe, Busan',
  ),
]

export const relatives: readonly string[] = words(
  'Daughter, Son, Secret, Bargain, Shadow, Apprentice, Return, Dream, Debt',
)
