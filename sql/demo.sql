-- The demo shop: people, 25 categories, 320 products from 12 sellers, two
-- months of business, orders in every state, auctions. `ecsctl demo` runs this in a
-- transaction of its own, on an empty shop, with the hash of everybody's
-- password in the setting ecs.demo_password_hash.
--
-- Everything is done by the functions the API calls, so that the ledger, the
-- histories and the counts are what they would be after two months of use. For
-- that time the shop's clock is moved: ecs.now() reads a setting, and is put
-- back at the end. Nobody else sees that, because nothing is committed before.

CREATE OR REPLACE FUNCTION ecs.now() RETURNS timestamptz LANGUAGE sql VOLATILE
AS $$ SELECT current_setting('ecs.demo_clock')::timestamptz $$;

-- Moves the shop's clock to some time before the real one.
CREATE FUNCTION pg_temp.at(p_before interval) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('ecs.demo_clock', (clock_timestamp() - p_before)::text, true);
END $$;
SELECT pg_temp.at('60 days');

-- People ------------------------------------------------------------------------

CREATE FUNCTION pg_temp.me(p_name text) RETURNS ecs.caller LANGUAGE plpgsql AS $$
DECLARE
    v_me ecs.caller;
BEGIN
    SELECT id, role, NULL, '127.0.0.1', 'demo', NULL INTO v_me
        FROM ecs.users WHERE email = p_name || '@demo.shop';
    RETURN v_me;
END $$;

CREATE TEMP TABLE demo_people (n serial, name text, username text, role text, city text,
    lat numeric, lng numeric, street text) ON COMMIT DROP;
INSERT INTO demo_people (name, username, role, city, lat, lng, street) VALUES
    ('admin', 'demo_admin', 'admin', NULL, NULL, NULL, NULL),
    ('seller', 'harbour_market', 'seller', 'Lisbon', 38.7077, -9.1365, 'Rua do Comércio 14'),
    ('seller2', 'nordlys_home', 'seller', 'Porto', 41.1466, -8.6148, 'Rua das Flores 88'),
    ('seller3', 'copper_and_clay', 'seller', 'Lisbon', 38.7139, -9.1394, 'Rua Augusta 201'),
    ('seller4', 'trailhead_supply', 'seller', 'Coimbra', 40.2089, -8.4294, 'Rua Ferreira Borges 7'),
    ('seller5', 'the_paper_lantern', 'seller', 'Braga', 41.5503, -8.4201, 'Rua do Souto 31'),
    ('seller6', 'signal_and_wire', 'seller', 'Lisbon', 38.7369, -9.1427, 'Avenida da República 52'),
    ('seller7', 'old_mill_roasters', 'seller', 'Porto', 41.1496, -8.6109, 'Rua de Cedofeita 140'),
    ('seller8', 'green_thumb_depot', 'seller', 'Faro', 37.0161, -7.9351, 'Rua de Santo António 26'),
    ('seller9', 'spoke_and_chain', 'seller', 'Aveiro', 40.6405, -8.6538, 'Rua João Mendonça 3'),
    ('seller10', 'quiet_corner_books', 'seller', 'Évora', 38.5714, -7.9135, 'Praça do Giraldo 12'),
    ('seller11', 'loom_and_needle', 'seller', 'Guimarães', 41.4425, -8.2918, 'Largo da Oliveira 5'),
    ('seller12', 'orchard_pantry', 'seller', 'Setúbal', 38.5244, -8.8882, 'Avenida Luísa Todi 96'),
    ('buyer', 'demo_buyer', 'user', 'Lisbon', 38.7223, -9.1393, 'Praça dos Restauradores 9'),
    ('buyer2', 'second_buyer', 'user', 'Lisbon', 38.7071, -9.1355, 'Rua dos Bacalhoeiros 21'),
    ('buyer3', 'rainy_sunday', 'user', 'Porto', 41.1579, -8.6291, 'Rua de Júlio Dinis 404'),
    ('buyer4', 'tall_ships', 'user', 'Lisbon', 38.6979, -9.2063, 'Rua de Belém 84'),
    ('buyer5', 'paper_moon', 'user', 'Coimbra', 40.2056, -8.4196, 'Praça da República 18'),
    ('buyer6', 'lemon_tree', 'user', 'Porto', 41.1408, -8.6110, 'Cais da Ribeira 35'),
    ('buyer7', 'night_train', 'user', 'Lisbon', 38.7436, -9.1602, 'Rua de Campolide 130'),
    ('buyer8', 'blue_door', 'user', 'Braga', 41.5454, -8.4265, 'Avenida Central 60'),
    ('courier', 'demo_courier', 'delivery', 'Lisbon', 38.7167, -9.1333, 'Rua da Prata 80'),
    ('courier2', 'swift_wheels', 'delivery', 'Lisbon', 38.7300, -9.1500, 'Rua Castilho 44'),
    ('courier3', 'river_post', 'delivery', 'Porto', 41.1500, -8.6200, 'Rua da Boavista 210'),
    ('courier4', 'hill_runner', 'delivery', 'Coimbra', 40.2100, -8.4300, 'Rua da Sofia 71'),
    ('courier5', 'early_bird', 'delivery', 'Braga', 41.5510, -8.4230, 'Rua dos Chãos 15');

SELECT ecs_lib.user_create(p_email => 'superadmin@demo.shop', p_username => 'demo_superadmin',
    p_password_hash => current_setting('ecs.demo_password_hash'), p_role => 'superadmin');

-- Sellers and buyers register; the superadmin makes the others. All but those
-- say where they are.
DO $$
DECLARE
    v_hash   CONSTANT text := current_setting('ecs.demo_password_hash');
    v_nobody CONSTANT ecs.caller := ROW(NULL, NULL, NULL, '127.0.0.1', 'demo', NULL);
    p        record;
BEGIN
    FOR p IN SELECT * FROM demo_people ORDER BY n LOOP
        IF p.role IN ('user', 'seller') THEN
            PERFORM ecs_api.accounts_register(v_nobody, p.name || '@demo.shop', p.username,
                v_hash, '', '', '', p.role);
        ELSE
            PERFORM ecs_api.accounts_user_create(pg_temp.me('superadmin'),
                p.name || '@demo.shop', p.username, p.role, v_hash, '', '', '');
        END IF;
        IF p.city IS NOT NULL THEN
            PERFORM ecs_api.accounts_me_update(pg_temp.me(p.name), jsonb_build_object(
                'location_lat', p.lat, 'location_lng', p.lng, 'location_address', p.street,
                'city', p.city, 'country', 'Portugal'));
        END IF;
    END LOOP;
END $$;

-- Catalogue -----------------------------------------------------------------------

-- Each category has eight things in two makes; the second costs more.
CREATE TEMP TABLE demo_categories (n serial, root text, name text, makes text[],
    dearer numeric, sellers integer[]) ON COMMIT DROP;
INSERT INTO demo_categories (root, name, makes, dearer, sellers) VALUES
    ('Home', 'Lamps', '{brushed brass,blackened steel}', 1.15, '{1,2,3}'),
    ('Home', 'Textiles', '{organic cotton,washed linen}', 1.25, '{2,11}'),
    ('Home', 'Kitchenware', '{enamel,copper}', 1.85, '{3,1}'),
    ('Home', 'Storage', '{oak,walnut}', 1.30, '{2,1}'),
    ('Electronics', 'Audio', '{graphite,silver}', 1.05, '{6}'),
    ('Electronics', 'Computer accessories', '{standard,pro}', 1.45, '{6,1}'),
    ('Electronics', 'Photography', '{black,olive}', 1.08, '{6,5}'),
    ('Electronics', 'Smart home', '{single,pack of three}', 2.60, '{6,2}'),
    ('Outdoors', 'Camping', '{one person,two persons}', 1.55, '{4}'),
    ('Outdoors', 'Cycling', '{city,touring}', 1.35, '{9,4}'),
    ('Outdoors', 'Garden tools', '{short handle,long handle}', 1.20, '{8}'),
    ('Outdoors', 'Running', '{summer,winter}', 1.25, '{4,9}'),
    ('Paper and games', 'Stationery', '{plain,dotted}', 1.10, '{5,10}'),
    ('Paper and games', 'Maps and atlases', '{folded,framed}', 2.40, '{10}'),
    ('Paper and games', 'Board games', '{travel edition,large edition}', 1.70, '{10,5}'),
    ('Paper and games', 'Craft supplies', '{starter set,studio set}', 2.10, '{11,5}'),
    ('Pantry', 'Coffee', '{250 g,1 kg}', 3.40, '{7}'),
    ('Pantry', 'Tea', '{tin,refill}', 0.80, '{7,12}'),
    ('Pantry', 'Oil and vinegar', '{250 ml,750 ml}', 2.50, '{12}'),
    ('Pantry', 'Chocolate', '{bar,gift box}', 3.20, '{12,7}');

CREATE TEMP TABLE demo_things (n serial, category text, name text, price numeric,
    description text) ON COMMIT DROP;
INSERT INTO demo_things (category, name, price, description) VALUES
    ('Lamps', 'Banker''s desk lamp', 64.00, 'Green glass shade, pull chain, and a foot heavy enough to stay where it is put.'),
    ('Lamps', 'Swing-arm wall lamp', 78.50, 'Reaches 60 cm from the wall and folds flat beside a bed. Plug or fixed wiring.'),
    ('Lamps', 'Tripod floor lamp', 129.00, 'Three turned legs and a linen shade; 152 cm tall, with a foot switch.'),
    ('Lamps', 'Pendant dome', 89.00, 'White inside for a warm pool of light over a table. 38 cm across, 2 m of cord.'),
    ('Lamps', 'Clip-on reading light', 24.90, 'Holds on to a shelf or headboard; dims in three steps and runs on USB.'),
    ('Lamps', 'Storm lantern', 36.00, 'Burns lamp oil or a tea light; the glass lifts out for cleaning.'),
    ('Lamps', 'Ceiling spot bar', 112.00, 'Four heads that turn and tilt, for a kitchen counter or a row of pictures.'),
    ('Lamps', 'Bedside globe', 42.00, 'Opal glass on a small round foot. Touch to switch, hold to dim.'),
    ('Textiles', 'Throw blanket', 59.00, 'Woven in a herringbone, 130 by 180 cm, with a short fringe.'),
    ('Textiles', 'Cushion cover', 22.50, 'Hidden zip, 50 by 50 cm. Softer with every wash.'),
    ('Textiles', 'Table runner', 27.00, 'Hemmed by hand, 40 by 140 cm.'),
    ('Textiles', 'Set of four napkins', 25.00, 'Mitred corners, 45 cm square.'),
    ('Textiles', 'Bedspread', 118.00, 'Quilted, 220 by 240 cm, light enough for summer.'),
    ('Textiles', 'Kitchen towel, set of three', 19.90, 'Dries glasses without leaving lint. Loop for hanging.'),
    ('Textiles', 'Floor cushion', 68.00, 'Filled with buckwheat husk; 60 cm across, 20 cm high.'),
    ('Textiles', 'Door curtain', 74.00, 'Keeps the draught out. 140 by 230 cm with a rod pocket.'),
    ('Kitchenware', 'Milk pan', 28.00, 'One litre, with two lips to pour from either hand.'),
    ('Kitchenware', 'Stock pot', 72.00, 'Eight litres, with a lid that seals and handles that stay put.'),
    ('Kitchenware', 'Mixing bowl', 21.00, 'Wide and deep; three litres, with a scale inside.'),
    ('Kitchenware', 'Roasting tray', 39.50, 'For a chicken and its potatoes. 38 by 27 cm.'),
    ('Kitchenware', 'Colander', 26.00, 'Stands on its own feet in the sink.'),
    ('Kitchenware', 'Pour-over kettle', 54.00, 'A thin neck for a slow hand; 0.9 litres, for all hobs.'),
    ('Kitchenware', 'Spice jars, set of six', 31.00, 'Close tightly, and have room for a label.'),
    ('Kitchenware', 'Butter dish', 18.50, 'Holds 250 g, and the lid turns into a tray.'),
    ('Storage', 'Wall shelf', 58.00, '80 cm wide with hidden brackets, carries 20 kg.'),
    ('Storage', 'Shoe bench', 124.00, 'Room for eight pairs below and for sitting above.'),
    ('Storage', 'Crate', 27.50, 'Stacks on others of its kind and carries fruit, records or toys.'),
    ('Storage', 'Letter tray', 34.00, 'Two floors for A4, open at the front.'),
    ('Storage', 'Coat rack', 46.00, 'Five turned pegs on a board of 70 cm.'),
    ('Storage', 'Bread box', 49.00, 'The lid is a cutting board.'),
    ('Storage', 'Desk organiser', 32.00, 'Five compartments, oiled by hand.'),
    ('Storage', 'Record cabinet', 219.00, 'Holds 120 records; two sliding doors.'),
    ('Audio', 'Over-ear headphones', 149.00, 'Closed back, 38 hours on one charge, and a cable for when it runs out.'),
    ('Audio', 'Bookshelf speakers, pair', 239.00, 'Two-way, 80 W, with a wooden front.'),
    ('Audio', 'Portable radio', 69.00, 'FM and DAB+, a real dial, 20 hours on a charge.'),
    ('Audio', 'Turntable', 289.00, 'Belt drive, two speeds, built-in preamplifier that can be switched off.'),
    ('Audio', 'Shower speaker', 44.90, 'Waterproof, with a suction cup and a strap.'),
    ('Audio', 'Wireless earbuds', 89.00, 'Seven hours, and 21 more in the case.'),
    ('Audio', 'Headphone amplifier', 119.00, 'Drives anything up to 300 ohms. USB and line in.'),
    ('Audio', 'Field recorder', 179.00, 'Two microphones at right angles, 24 bit, a foam windscreen.'),
    ('Computer accessories', 'Mechanical keyboard', 98.00, 'Tenkeyless, quiet brown switches, keycaps that can be changed.'),
    ('Computer accessories', 'Vertical mouse', 46.00, 'Keeps the wrist as if shaking hands.'),
    ('Computer accessories', 'Laptop stand', 39.00, 'Six heights, folds to the size of a ruler.'),
    ('Computer accessories', 'USB-C dock', 109.00, 'Two displays, network, card reader, 85 W to the laptop.'),
    ('Computer accessories', 'Webcam', 74.00, '1440p with a shutter for the lens and a tripod thread.'),
    ('Computer accessories', 'Monitor arm', 87.00, 'For screens up to 9 kg; clamps on without drilling.'),
    ('Computer accessories', 'External drive', 92.00, 'Solid state, 1 TB, in rubber.'),
    ('Computer accessories', 'Desk mat', 24.00, 'Felt above, cork below, 80 by 40 cm.'),
    ('Photography', 'Camera bag', 84.00, 'A body, three lenses and a jumper. Rain cover included.'),
    ('Photography', 'Travel tripod', 132.00, 'Carries 6 kg and weighs 1.2; folds to 39 cm.'),
    ('Photography', 'Lens cleaning kit', 16.50, 'Blower, brush, fluid and four cloths.'),
    ('Photography', 'Leather hand strap', 29.00, 'Fits every body with a tripod thread.'),
    ('Photography', 'Filter wallet', 21.00, 'Six pockets for filters up to 82 mm.'),
    ('Photography', 'LED panel', 67.00, 'From candle to daylight, as thin as a notebook.'),
    ('Photography', 'Film changing bag', 33.00, 'Double zips, elastic sleeves, no light.'),
    ('Photography', 'Memory card case', 12.90, 'Twelve cards, two of them large. Floats.'),
    ('Smart home', 'Smart plug', 17.90, 'Measures what it switches. Works without a cloud.'),
    ('Smart home', 'Motion sensor', 24.50, 'Two years on one battery.'),
    ('Smart home', 'Radiator thermostat', 52.00, 'Notices an open window and waits.'),
    ('Smart home', 'Door contact', 15.90, 'Tells whether it is open, and since when.'),
    ('Smart home', 'Water leak alarm', 22.00, 'Lies flat under a washing machine.'),
    ('Smart home', 'Light switch', 34.00, 'Looks like the old one and fits its box.'),
    ('Smart home', 'Air quality meter', 58.00, 'CO2, humidity and temperature on a paper display.'),
    ('Smart home', 'Bulb, warm to cool', 14.50, 'E27, 806 lumens, dims without a flicker.'),
    ('Camping', 'Trekking tent', 189.00, 'Three seasons, two minutes to pitch, taped seams.'),
    ('Camping', 'Down sleeping bag', 164.00, 'Comfortable to 2 degrees. Comes with a sack that keeps dry.'),
    ('Camping', 'Sleeping mat', 58.00, 'Blows up in twelve breaths.'),
    ('Camping', 'Gas stove and pot', 49.00, 'Boils half a litre in three minutes.'),
    ('Camping', 'Tarp', 44.00, 'Eight loops, four pegs, 12 m of cord.'),
    ('Camping', 'Hammock', 52.00, 'With straps that are kind to trees.'),
    ('Camping', 'Cutlery and bowl', 18.00, 'Nests into itself and weighs nothing to speak of.'),
    ('Camping', 'Water filter', 39.00, 'A thousand litres from any stream.'),
    ('Cycling', 'Helmet', 62.00, 'Turns to fit, with a light at the back.'),
    ('Cycling', 'Front light', 37.00, '60 lux, USB, and a beam that ends below the eyes of others.'),
    ('Cycling', 'Frame lock', 45.00, 'Stays on the bike and takes a chain.'),
    ('Cycling', 'Pannier', 69.00, '20 litres, rolls shut, clicks on.'),
    ('Cycling', 'Repair kit', 23.00, 'Patches, levers, a multitool and a pump in one roll.'),
    ('Cycling', 'Saddle', 54.00, 'Sprung, and wide where it matters.'),
    ('Cycling', 'Mudguards, pair', 31.00, 'Reach further down than most.'),
    ('Cycling', 'Handlebar bag', 42.00, 'With a window for a map or a telephone.'),
    ('Garden tools', 'Hand fork', 16.00, 'Forged in one piece, ash handle.'),
    ('Garden tools', 'Weeding hoe', 24.00, 'Cuts on the push and on the pull.'),
    ('Garden tools', 'Bulb planter', 21.50, 'Marked in centimetres, lets go when asked.'),
    ('Garden tools', 'Pruning saw', 33.00, 'Folds, locks, and keeps its edge.'),
    ('Garden tools', 'Leaf rake', 27.00, 'Twenty-two springy tines.'),
    ('Garden tools', 'Border spade', 39.00, 'Narrow enough to work between things that grow.'),
    ('Garden tools', 'Hedge shears', 44.00, 'Wavy blades hold a twig until it is cut.'),
    ('Garden tools', 'Lawn edger', 35.00, 'A half moon with treads for both feet.'),
    ('Running', 'Running jacket', 88.00, 'Keeps out wind and most rain; packs into its pocket.'),
    ('Running', 'Tights', 56.00, 'A pocket that does not bounce.'),
    ('Running', 'Socks, three pairs', 19.00, 'No seam at the toes, a left and a right.'),
    ('Running', 'Headlamp', 48.00, 'Sees 80 m ahead, and is seen from behind.'),
    ('Running', 'Belt with bottles', 34.00, 'Two bottles and a key.'),
    ('Running', 'Cap', 22.00, 'Dries on the way.'),
    ('Running', 'Gloves', 24.00, 'Thumb and finger work a screen.'),
    ('Running', 'Reflective vest', 17.50, 'Weighs 90 g and fits over everything.'),
    ('Stationery', 'Notebook A5', 13.50, 'Lies flat, 192 pages of 100 g paper, two ribbons.'),
    ('Stationery', 'Pocket notebook, set of three', 10.90, 'Sewn, with rounded corners.'),
    ('Stationery', 'Desk pad', 19.00, 'Sixty sheets of A3 that tear off cleanly.'),
    ('Stationery', 'Weekly planner', 16.00, 'Without dates, so that it can begin today.'),
    ('Stationery', 'Loose leaves, 100 sheets', 9.50, 'Fountain pen friendly, for four-ring binders.'),
    ('Stationery', 'Sketchbook A4', 21.00, '120 g, with tooth enough for pencil and ink.'),
    ('Stationery', 'Index cards, 200', 8.00, 'A6, stiff enough to stand in a box.'),
    ('Stationery', 'Letter set', 14.00, 'Twelve sheets, twelve lined envelopes.'),
    ('Maps and atlases', 'Relief map of the Alps', 38.00, 'Shaded as by an evening sun. 90 by 60 cm.'),
    ('Maps and atlases', 'Night sky of the north', 34.00, 'Every star to magnitude 6; glows in the dark.'),
    ('Maps and atlases', 'Sea chart of the Azores', 36.00, 'Depths, lights and currents, reprinted.'),
    ('Maps and atlases', 'City plan of Lisbon, 1940', 32.00, 'Tram lines in red.'),
    ('Maps and atlases', 'Railways of Europe', 35.00, 'What runs today, with the times between cities.'),
    ('Maps and atlases', 'World in equal areas', 37.00, 'Every country as large as it is.'),
    ('Maps and atlases', 'Geological map of Iberia', 39.00, 'Forty-one colours and a key.'),
    ('Maps and atlases', 'Wind rose and tides', 29.00, 'For a wall near a boat.'),
    ('Board games', 'Harbour', 31.00, 'Load ships before the others do. 2 to 5 players, an hour.'),
    ('Board games', 'Nine stones', 18.00, 'Two players, three rules, no luck.'),
    ('Board games', 'Lighthouse', 27.00, 'Everybody against the storm. 1 to 4 players.'),
    ('Board games', 'Market day', 24.00, 'Buy, haggle, bluff. 3 to 6 players, 40 minutes.'),
    ('Board games', 'Word ladder', 19.50, 'One letter at a time, against the sand glass.'),
    ('Board games', 'Tile garden', 29.00, 'Lay paths of four colours. 2 to 4 players.'),
    ('Board games', 'Night train', 26.00, 'Find out who got off. 4 to 8 players.'),
    ('Board games', 'Chess and draughts', 34.00, 'Beech and walnut, pieces with felt.'),
    ('Craft supplies', 'Watercolours', 24.00, 'Twelve half pans and a brush that holds its water.'),
    ('Craft supplies', 'Linocut', 29.00, 'Tools, lino, ink and a roller.'),
    ('Craft supplies', 'Bookbinding', 32.00, 'Awl, bone folder, thread and boards.'),
    ('Craft supplies', 'Embroidery', 22.00, 'A hoop, sixteen colours and three patterns.'),
    ('Craft supplies', 'Calligraphy', 26.00, 'Two holders, six nibs and black ink.'),
    ('Craft supplies', 'Candle making', 28.00, 'Wax, wicks, a jug and a thermometer.'),
    ('Craft supplies', 'Block printing on cloth', 31.00, 'Four blocks, two inks, a tea towel to begin with.'),
    ('Craft supplies', 'Wood carving', 35.00, 'Three knives, a strop, and lime wood for a spoon.'),
    ('Coffee', 'Espresso, dark roast', 8.90, 'Cocoa and walnut, a crema that stays.'),
    ('Coffee', 'Filter, light roast', 9.80, 'Bergamot and peach, from one cooperative.'),
    ('Coffee', 'Decaf', 9.40, 'Washed with water only; tastes of caramel.'),
    ('Coffee', 'House blend', 7.90, 'For every machine and every morning.'),
    ('Coffee', 'Peaberry', 11.50, 'One bean in a cherry, sorted by hand.'),
    ('Coffee', 'Honey processed', 10.80, 'Sweet, round, a little like plums.'),
    ('Coffee', 'Cold brew, coarse', 8.50, 'Twelve hours in the fridge.'),
    ('Coffee', 'Breakfast roast', 7.50, 'Mild, and strong enough for milk.'),
    ('Tea', 'Azores black', 9.50, 'Grown within sight of the sea.'),
    ('Tea', 'Mountain oolong', 14.00, 'Rolled tightly; good for five infusions.'),
    ('Tea', 'Jasmine green', 11.00, 'Scented with flowers, not with flavour.'),
    ('Tea', 'Smoked black', 10.50, 'Pinewood, and an open window.'),
    ('Tea', 'Mint and lemon verbena', 7.80, 'From one garden, cut in May.'),
    ('Tea', 'Rooibos', 6.90, 'Red, mild, without caffeine.'),
    ('Tea', 'White peony', 15.50, 'Two leaves and a bud.'),
    ('Tea', 'Chamomile flowers', 6.50, 'Whole heads, for late evenings.'),
    ('Oil and vinegar', 'Olive oil, early harvest', 9.80, 'Green, peppery, pressed the same day.'),
    ('Oil and vinegar', 'Olive oil, mild', 7.90, 'For cooking and for children.'),
    ('Oil and vinegar', 'Walnut oil', 11.50, 'For salads and warm potatoes; keep it cool.'),
    ('Oil and vinegar', 'Pumpkin seed oil', 12.00, 'Dark green, on soup or ice cream.'),
    ('Oil and vinegar', 'Sherry vinegar', 8.40, 'Eight years in oak.'),
    ('Oil and vinegar', 'Cider vinegar', 5.60, 'Unfiltered, from late apples.'),
    ('Oil and vinegar', 'Raspberry vinegar', 7.20, 'A handful of berries in each bottle.'),
    ('Oil and vinegar', 'Chilli oil', 6.80, 'Warm rather than hot.'),
    ('Chocolate', 'Dark 72 %', 5.90, 'Three ingredients, two days in the conche.'),
    ('Chocolate', 'Milk with sea salt', 5.50, 'Salt from the Algarve, in flakes.'),
    ('Chocolate', 'White with raspberry', 5.80, 'Sharp berries in a sweet bar.'),
    ('Chocolate', 'Hazelnut', 6.20, 'A whole nut in every bite.'),
    ('Chocolate', 'Orange peel', 6.00, 'Candied slowly, dipped once.'),
    ('Chocolate', 'Single estate 80 %', 7.50, 'Tastes of tobacco and figs.'),
    ('Chocolate', 'Almond and fig', 6.40, 'As they make it in the south.'),
    ('Chocolate', 'Espresso beans', 6.90, 'Roasted, coated, gone.');

SELECT pg_temp.at('59 days');
SELECT count(ecs_api.categories_create(pg_temp.me('admin'), root, NULL))
    FROM (SELECT root FROM demo_categories GROUP BY root ORDER BY min(n)) r;
SELECT count(ecs_api.categories_create(pg_temp.me('admin'), d.name, c.id))
    FROM (SELECT * FROM demo_categories ORDER BY n) d JOIN ecs.categories c ON c.name = d.root;

-- Two months of business --------------------------------------------------------------

-- Everything that happens from here on is an event, so that ids and times go
-- the same way. `n` is the number of a product or an order, `what` the step.
CREATE TEMP TABLE demo_events (before interval, n integer, what text) ON COMMIT DROP;
CREATE TEMP TABLE demo_products (n integer PRIMARY KEY, seller text, category text, name text,
    description text, price numeric, quantity integer, id bigint) ON COMMIT DROP;
CREATE TEMP TABLE demo_orders (n integer PRIMARY KEY, buyer text, courier text, id bigint)
    ON COMMIT DROP;

-- The two makes of a thing come one after the other; things of all categories
-- are mixed. Prices end in .00, .50 or .90; a few things are sold out.
INSERT INTO demo_products (n, seller, category, name, description, price, quantity)
SELECT row_number() OVER (ORDER BY (t.n * 37) % 163, m.n),
       'seller' || coalesce(nullif(c.sellers[1 + t.n % cardinality(c.sellers)], 1)::text, ''),
       c.name, format('%s, %s', t.name, m.make), t.description,
       CASE m.n WHEN 1 THEN t.price
                ELSE floor(t.price * c.dearer) + CASE t.n % 3 WHEN 0 THEN 0.90 ELSE 0.50 END END,
       CASE WHEN t.n % 29 = 0 THEN 0 ELSE 3 + (t.n * 31 + m.n * 17) % 90 END
FROM demo_things t JOIN demo_categories c ON c.name = t.category
CROSS JOIN unnest(c.makes) WITH ORDINALITY AS m (make, n);

INSERT INTO demo_events
SELECT interval '58 days' - n * interval '2 hours 41 minutes', n, 'propose' FROM demo_products
UNION ALL
SELECT interval '58 days' - n * interval '2 hours 41 minutes' - interval '9 hours', n,
       CASE WHEN n % 80 = 7 THEN 'refuse' ELSE 'approve' END
FROM demo_products WHERE n <= 312;

-- 64 orders of eight buyers, and how far each one gets. The last ones stay
-- where they are now.
INSERT INTO demo_orders (n, buyer, courier)
SELECT n, 'buyer' || coalesce(nullif(1 + n % 8, 1)::text, ''),
       'courier' || coalesce(nullif(1 + n % 5, 1)::text, '')
FROM generate_series(1, 64) n;
INSERT INTO demo_events
SELECT e.bought - step.after, e.n, step.what
FROM (SELECT n, CASE WHEN n <= 40 THEN interval '20 days' - n * interval '8 hours 23 minutes'
                     WHEN n <= 48 THEN interval '4 days 8 hours' - n * interval '55 minutes'
                     WHEN n <= 58 THEN interval '3 days 12 hours' - n * interval '30 minutes'
                     ELSE interval '30 hours' - n * interval '19 minutes' END AS bought,
             CASE WHEN n % 10 = 4 AND n <= 40 THEN '{buy,cancel}'
                  WHEN n % 20 = 7 AND n <= 40 THEN '{buy,claim,ship,refund}'
                  WHEN n = 15 THEN '{buy,claim,ship,deliver,discount,complete}'
                  WHEN n IN (21, 33) THEN '{buy,claim,release,claim,ship,deliver,complete}'
                  WHEN n <= 36 THEN '{buy,claim,ship,deliver,complete}'
                  WHEN n <= 48 THEN '{buy,claim,ship,deliver}'
                  WHEN n <= 52 THEN '{buy,claim,ship}'
                  WHEN n = 53 THEN '{buy,claim,ship,attempt}'
                  WHEN n <= 58 THEN '{buy,claim}'
                  WHEN n = 60 THEN '{buy,cancel}'
                  ELSE '{buy}' END::text[] AS steps
      FROM demo_orders) e
CROSS JOIN LATERAL (
    SELECT s.what, CASE s.what WHEN 'complete' THEN interval '4 days 18 hours'
                               ELSE (s.i - 1) * interval '5 hours 10 minutes' END AS after
    FROM unnest(e.steps) WITH ORDINALITY AS s (what, i)) step;

INSERT INTO demo_events VALUES
    ('30 days', 1, 'deposits'), ('9 days', 2, 'transfer'), ('6 days', 3, 'withdrawals'),
    ('5 days', 4, 'payout'), ('2 days', 5, 'withdrawals'), ('20 hours', 6, 'changes'),
    ('16 hours', 7, 'carts'), ('1 hour', 8, 'top up');

-- What happens to a product.
CREATE FUNCTION pg_temp.product_event(p_n integer, p_what text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    p demo_products;
BEGIN
    SELECT * INTO p FROM demo_products WHERE n = p_n;
    CASE p_what
        WHEN 'propose' THEN
            UPDATE demo_products SET id = ((ecs_api.products_create(pg_temp.me(p.seller), p.name,
                p.description, p.price, p.quantity, (SELECT id FROM ecs.categories
                    WHERE name = p.category))).body ->> 'id')::bigint WHERE n = p_n;
        WHEN 'approve' THEN
            PERFORM ecs_api.products_approve(pg_temp.me('admin'), p.id);
        WHEN 'refuse' THEN
            PERFORM ecs_api.products_reject(pg_temp.me('admin'), p.id,
                'Please describe the material and where it is made.');
    END CASE;
END $$;

-- Fills a cart with one to three products that are there, and orders it.
CREATE FUNCTION pg_temp.fill_cart(p_buyer text, p_n integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_line integer;
BEGIN
    FOR v_line IN 1 .. 1 + p_n % 3 LOOP
        PERFORM ecs_api.cart_add(pg_temp.me(p_buyer), (
            SELECT id FROM ecs.products
            WHERE status = 'APPROVED' AND quantity >= 4 AND price < 150
            ORDER BY id OFFSET (p_n * 47 + v_line * 61) % 250 LIMIT 1), 1 + (p_n + v_line) % 2);
    END LOOP;
END $$;

-- What happens to an order. PIN and token of a demo order are nobody's; its
-- buyer can renew the proof of one that is still under way.
CREATE FUNCTION pg_temp.order_event(p_n integer, p_what text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    c_verifier CONSTANT text := encode(sha256(('demo order ' || p_n)::bytea), 'hex');
    o          demo_orders;
    v_courier  ecs.caller;
BEGIN
    SELECT * INTO o FROM demo_orders WHERE n = p_n;
    v_courier := pg_temp.me(o.courier);
    CASE p_what
        WHEN 'buy' THEN
            PERFORM pg_temp.fill_cart(o.buyer, p_n);
            UPDATE demo_orders SET id = ((ecs_api.orders_checkout(pg_temp.me(o.buyer), NULL)).body
                ->> 'id')::bigint WHERE n = p_n;
        WHEN 'cancel' THEN
            PERFORM ecs_api.orders_cancel(pg_temp.me(o.buyer), o.id, 'Ordered twice by mistake.');
        WHEN 'claim' THEN
            PERFORM ecs_api.delivery_claim(v_courier, o.id);
        WHEN 'release' THEN
            PERFORM ecs_api.delivery_release(v_courier, o.id, 'A flat tyre.');
        WHEN 'ship' THEN
            PERFORM ecs_api.delivery_advance(v_courier, o.id, NULL, NULL, NULL, NULL, NULL,
                md5('demo order ' || p_n), c_verifier, c_verifier);
        WHEN 'attempt' THEN
            PERFORM ecs_api.delivery_attempt(v_courier, o.id, 'Nobody was at home.');
        WHEN 'deliver' THEN
            PERFORM ecs_api.delivery_advance(v_courier, o.id, NULL, NULL, NULL,
                CASE p_n % 2 WHEN 0 THEN c_verifier END, CASE p_n % 2 WHEN 1 THEN c_verifier END,
                NULL, NULL, NULL);
        WHEN 'discount' THEN
            PERFORM ecs_api.orders_refund(pg_temp.me('admin'), o.id, 'The box was dented.', 5.00);
        WHEN 'refund' THEN
            PERFORM ecs_api.orders_refund(pg_temp.me('admin'), o.id, 'Lost on the way.', NULL);
        WHEN 'complete' THEN
            PERFORM ecs_api.orders_complete(pg_temp.me(o.buyer), o.id, NULL);
    END CASE;
END $$;

CREATE FUNCTION pg_temp.deposit(p_buyer text, p_amount numeric, p_reference text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_api.wallet_deposit(pg_temp.me('admin'), (pg_temp.me(p_buyer)).id, p_amount,
                                   p_reference, 'Bank transfer of the demo shop.');
END $$;

-- What happens besides.
CREATE FUNCTION pg_temp.shop_event(p_n integer, p_what text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    CASE p_what
        WHEN 'deposits' THEN
            PERFORM pg_temp.deposit(name, 2500, 'BANK-0001-' || name)
                FROM demo_people WHERE role = 'user' ORDER BY n;
        WHEN 'transfer' THEN
            PERFORM ecs_api.wallet_transfer(pg_temp.me('buyer'), 'second_buyer', 25.00,
                                            'Half of the present');
        WHEN 'withdrawals' THEN
            PERFORM ecs_api.wallet_withdraw(pg_temp.me(name), 20.00 + n)
                FROM demo_people
                WHERE name IN ('seller', 'seller2')
                  AND (SELECT available FROM ecs.wallets
                       WHERE user_id = (pg_temp.me(name)).id) > 50 ORDER BY n;
        WHEN 'payout' THEN
            PERFORM CASE row_number() OVER (ORDER BY id)
                WHEN 1 THEN ecs_api.wallet_withdrawal_approve(pg_temp.me('admin'), id)
                ELSE ecs_api.wallet_withdrawal_reject(pg_temp.me('admin'), id,
                         'The account is not in your name.') END
                FROM ecs.withdrawals;
        WHEN 'changes' THEN
            PERFORM ecs_api.products_update(pg_temp.me(seller), id, jsonb_build_object(
                    'description', description || ' New: comes in a box made of paper.'))
                FROM demo_products WHERE n IN (20, 70, 120);
            PERFORM ecs_api.products_delete(pg_temp.me(seller), id)
                FROM demo_products WHERE n IN (30, 130);
        WHEN 'carts' THEN
            PERFORM pg_temp.fill_cart('buyer2', 101);
            PERFORM pg_temp.fill_cart('buyer5', 102);
        WHEN 'top up' THEN
            PERFORM pg_temp.deposit(p.name, 2000 - w.available, 'BANK-0002-' || p.name)
                FROM demo_people p JOIN ecs.wallets w ON w.user_id = (pg_temp.me(p.name)).id
                WHERE p.role = 'user' AND w.available < 2000;
    END CASE;
END $$;

-- Sales and discounts: one sale is over, one runs, one comes; about every
-- thirteenth product has a discount.
INSERT INTO demo_events VALUES
    ('13 days', 11, 'offer Harvest week'), ('3 days', 12, 'offer Warm evenings'),
    ('4 days', 13, 'offer discounts'), ('1 day', 14, 'offer Winter fair');

CREATE FUNCTION pg_temp.open_sale(p_name text, p_description text, p_in interval,
    p_length interval, p_every integer, p_percentage integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_sale bigint;
BEGIN
    v_sale := (ecs_api.sales_create(pg_temp.me('admin'), p_name, p_description,
        ecs.now() + p_in, ecs.now() + p_in + p_length)).body ->> 'id';
    PERFORM ecs_api.sales_join(pg_temp.me(d.seller), v_sale, d.id, p_percentage + d.n % 4 * 5)
        FROM demo_products d JOIN ecs.products p ON p.id = d.id
        WHERE p.status = 'APPROVED' AND d.n % p_every = 3;
END $$;

CREATE FUNCTION pg_temp.offer_event(p_what text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    CASE p_what
        WHEN 'offer Harvest week' THEN
            PERFORM pg_temp.open_sale('Harvest week', 'What the season brought in.',
                                      '1 day', '7 days', 8, 10);
        WHEN 'offer Warm evenings' THEN
            PERFORM pg_temp.open_sale('Warm evenings', 'Light, wool and something hot to drink.',
                                      '1 day', '11 days', 7, 15);
        WHEN 'offer Winter fair' THEN
            PERFORM pg_temp.open_sale('Winter fair', 'For those who begin early.',
                                      '8 days', '14 days', 10, 20);
        WHEN 'offer discounts' THEN
            PERFORM ecs_api.discount_set(pg_temp.me(d.seller), d.id, 5 + d.n % 4 * 10, NULL,
                        CASE WHEN d.n % 2 = 0 THEN ecs.now() + interval '30 days' END)
                FROM demo_products d JOIN ecs.products p ON p.id = d.id
                WHERE p.status = 'APPROVED' AND d.n % 13 = 6;
    END CASE;
END $$;

-- What buyers say about what they got, what some sellers answer, and one review
-- that had to be hidden.
CREATE TEMP TABLE demo_words (n serial, rating integer, title text, comment text)
    ON COMMIT DROP;
INSERT INTO demo_words (rating, title, comment) VALUES
    (5, 'Just as described', 'Well made, well packed, and here a day early.'),
    (5, 'A good buy', 'I have used it every day since. Would buy it again.'),
    (5, '', 'Nothing to find fault with.'),
    (5, 'A present that was liked', 'Bought for my sister, who now wants a second one.'),
    (4, 'Good', 'Does what it should. The colour is a little darker than on the picture.'),
    (4, 'Nearly perfect', 'One star less because the instructions are hard to read.'),
    (4, '', 'Solid. I would have liked a longer guarantee.'),
    (3, 'All right', 'It is fine for the price, but no more than that.'),
    (3, 'Smaller than I thought', 'My own fault: the measures are there to be read.'),
    (2, 'Not for me', 'It feels cheaper than it was.'),
    (1, 'Broken after a week', 'It worked for six days. I wait for an answer of the seller.');

INSERT INTO demo_events
SELECT b.before - CASE WHEN b.n <= 40 THEN interval '2 days' ELSE interval '44 hours' END
       - step.after, b.n, step.what
FROM demo_events b CROSS JOIN (VALUES
    ('review', interval '0'), ('reply', interval '14 hours')) AS step (what, after)
WHERE b.what = 'buy' AND EXISTS (SELECT FROM demo_events d WHERE d.n = b.n AND d.what = 'deliver');
INSERT INTO demo_events
SELECT before - interval '1 day', n, 'hide' FROM demo_events WHERE what = 'review' AND n = 10;

CREATE FUNCTION pg_temp.review_event(p_n integer, p_what text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    c_ratings CONSTANT integer[] := '{5,4,5,3,5,4,2,5,4,5,1,4}';
    v_rating  integer;
    v_words   demo_words;
    o         demo_orders;
    i         ecs.order_items;
    r         ecs.reviews;
BEGIN
    SELECT * INTO o FROM demo_orders WHERE n = p_n;
    FOR i IN SELECT * FROM ecs.order_items WHERE order_id = o.id ORDER BY id LOOP
        v_rating := c_ratings[1 + (p_n * 5 + i.id) % 12];
        SELECT * INTO v_words FROM demo_words WHERE rating = v_rating
            ORDER BY (n + p_n) % 4, n LIMIT 1;
        SELECT * INTO r FROM ecs.reviews WHERE order_item_id = i.id;
        IF p_what = 'review' AND i.id % 4 < 3 THEN
            PERFORM ecs_api.reviews_create(pg_temp.me(o.buyer), i.id, v_rating,
                                           v_words.title, v_words.comment);
        ELSIF p_what = 'reply' AND (r.rating < 3 OR r.id % 6 = 0) THEN
            PERFORM ecs_api.reviews_reply(pg_temp.me(d.seller), r.id,
                CASE WHEN r.rating < 3 THEN 'We are sorry to hear that. Please write to us, '
                    'and we will find a way.' ELSE 'Thank you for taking the time!' END)
                FROM demo_products d WHERE d.id = i.product_id;
        ELSIF p_what = 'hide' AND r.id IS NOT NULL THEN
            PERFORM ecs_api.reviews_hide(pg_temp.me('admin'), r.id,
                'It is about the courier, not about the product.');
            RETURN;
        END IF;
    END LOOP;
END $$;

-- Returns, one of each kind: asked for; disputed, so that the admin has to decide;
-- accepted, with a unit that waits for its seller; refused; accepted, and the unit
-- waits to be on sale again; taken back.
CREATE TEMP TABLE demo_returns (n integer PRIMARY KEY, reason text, condition text,
    inspection text, decision jsonb, unit text, id bigint) ON COMMIT DROP;
INSERT INTO demo_returns (n, reason, condition, inspection, decision, unit) VALUES
    (48, 'It is lovely, but too big for where it was to go.', NULL, NULL, NULL, NULL),
    (42, 'A dent on the side. It was there when I opened the box!', 'DAMAGED',
        'The box has no mark. The seller says it left whole.', NULL, NULL),
    (43, 'Not the colour that the picture shows.', 'OPEN_BOX', 'Unpacked, not used.',
        '{"status": "APPROVED"}', NULL),
    (44, 'I do not like it any more.', 'USED', 'Used every day, by the look of it.',
        '{"status": "REJECTED", "notes": "It has been used for more than trying it."}', NULL),
    (45, 'One of the feet is missing.', 'OPEN_BOX', 'The foot was at the bottom of the box.',
        '{"status": "APPROVED", "seller_fault": true, "penalty_points": 1}', 'resell'),
    (46, 'Wrong size.', NULL, NULL, NULL, NULL);
INSERT INTO demo_events
SELECT interval '30 hours' - step.after, n, step.what
FROM demo_returns CROSS JOIN (VALUES ('return ask', interval '0'),
    ('return take back', interval '1 hour'), ('return look', interval '10 hours'),
    ('return decide', interval '16 hours'), ('return unit', interval '18 hours'))
    AS step (what, after)
WHERE CASE step.what WHEN 'return ask' THEN true WHEN 'return look' THEN condition IS NOT NULL
                     WHEN 'return decide' THEN decision IS NOT NULL
                     WHEN 'return unit' THEN unit IS NOT NULL ELSE n = 46 END;

CREATE FUNCTION pg_temp.return_event(p_n integer, p_what text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    o demo_orders;
    d demo_returns;
BEGIN
    SELECT * INTO o FROM demo_orders WHERE n = p_n;
    SELECT * INTO d FROM demo_returns WHERE n = p_n;
    CASE p_what
        WHEN 'return ask' THEN
            UPDATE demo_returns SET id = ((ecs_api.returns_create(pg_temp.me(o.buyer),
                    (SELECT min(id) FROM ecs.order_items WHERE order_id = o.id), 1, d.reason)).body
                ->> 'id')::bigint WHERE n = p_n;
        WHEN 'return take back' THEN
            PERFORM ecs_api.returns_cancel(pg_temp.me(o.buyer), d.id);
        WHEN 'return look' THEN
            PERFORM ecs_api.returns_inspect(pg_temp.me(o.courier), d.id, jsonb_build_array(
                jsonb_build_object('condition', d.condition, 'quantity', 1,
                                   'notes', d.inspection)));
        WHEN 'return decide' THEN
            PERFORM ecs_api.returns_update(pg_temp.me('admin'), d.id, d.decision);
        WHEN 'return unit' THEN
            PERFORM ecs_api.return_units_decide(pg_temp.me(p.seller), u.id, d.unit, 25)
                FROM ecs.return_units u JOIN demo_products p ON p.id = u.product_id
                WHERE u.return_id = d.id;
    END CASE;
END $$;

-- Auctions: three are over, three run (one ends some minutes after the demo was
-- loaded), one comes, one waits for the admin, one is a draft. `begins` and `ends`
-- are before the time of loading.
CREATE TEMP TABLE demo_auctions (n integer PRIMARY KEY, name text, quantity integer,
    start_price numeric, reserve numeric, buy_now numeric, begins interval, ends interval,
    stage text, id bigint) ON COMMIT DROP;
INSERT INTO demo_auctions (n, name, quantity, start_price, reserve, buy_now, begins, ends, stage)
VALUES
    (201, 'Turntable, silver', 1, 120, 180, NULL, '14 days', '9 days', 'approve'),
    (202, 'Camera bag, black', 1, 30, 70, NULL, '10 days', '6 days', 'approve'),
    (203, 'Chess and draughts, large edition', 4, 45, NULL, 60, '8 days', '4 days', 'approve'),
    (204, 'Storm lantern, brushed brass', 2, 12, NULL, NULL, '20 hours', '-10 minutes', 'approve'),
    (205, 'Portable radio, graphite', 1, 25, 50, NULL, '30 hours', '-26 hours', 'approve'),
    (206, 'Tripod floor lamp, brushed brass', 1, 60, NULL, 115, '26 hours', '-50 hours', 'approve'),
    (207, 'Bedside globe, blackened steel', 3, 20, NULL, NULL, '-20 hours', '-3 days', 'approve'),
    (208, 'Travel tripod, olive', 1, 70, 100, NULL, '-2 days', '-5 days', 'submit'),
    (209, 'Turntable, graphite', 1, 110, NULL, 250, '-3 days', '-9 days', 'draft');
INSERT INTO demo_events
SELECT CASE stage WHEN 'approve' THEN greatest(begins, '0') + interval '28 hours'
                  ELSE interval '9 hours' END, n, 'auction propose' FROM demo_auctions
UNION ALL
SELECT greatest(begins, '0') + interval '22 hours', n, 'auction approve'
FROM demo_auctions WHERE stage = 'approve'
UNION ALL
SELECT begins - interval '1 second', n, 'auction tick' FROM demo_auctions WHERE begins > '0'
UNION ALL
SELECT ends - interval '1 second', n, 'auction tick' FROM demo_auctions WHERE ends > '0';

CREATE TEMP TABLE demo_bids (n serial, auction integer, before interval, buyer text,
    amount numeric, most numeric) ON COMMIT DROP;
INSERT INTO demo_bids (auction, before, buyer, amount, most) VALUES
    (201, '13 days 20 hours', 'buyer3', 120, NULL),
    (201, '12 days 7 hours', 'buyer6', 135, 160),
    (201, '11 days 2 hours', 'buyer3', 150, NULL),
    (201, '10 days 9 hours', 'buyer8', 170, 230),
    (201, '9 days 3 hours', 'buyer3', 205, NULL),
    (202, '8 days 12 hours', 'buyer4', 30, 55),
    (202, '7 days 2 hours', 'buyer7', 48, NULL),
    (204, '19 hours', 'buyer5', 12, NULL),
    (204, '15 hours', 'buyer2', 13, 20),
    (204, '11 hours', 'buyer7', 16.50, NULL),
    (204, '7 hours', 'buyer5', 19, NULL),
    (204, '2 hours', 'buyer4', 21, 26),
    (205, '22 hours', 'buyer6', 25, 40),
    (205, '10 hours', 'buyer3', 36, NULL);
INSERT INTO demo_events SELECT before, n, 'auction bid' FROM demo_bids;

-- The order of who won the turntable; it goes the way of all orders.
INSERT INTO demo_orders (n, buyer, courier) VALUES (201, 'buyer8', 'courier3');
INSERT INTO demo_events VALUES
    ('8 days 20 hours', 201, 'claim'), ('8 days 15 hours', 201, 'ship'),
    ('8 days 10 hours', 201, 'deliver'), ('4 days 15 hours', 201, 'complete');

-- A bid of somebody who is signed in for it.
CREATE FUNCTION pg_temp.bid(p_n integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b         demo_bids;
    v_me      ecs.caller;
    v_session bigint;
    v_answer  ecs.answer;
BEGIN
    SELECT * INTO b FROM demo_bids WHERE n = p_n;
    v_me := pg_temp.me(b.buyer);
    INSERT INTO ecs.sessions (user_id, expires_at)
        VALUES (v_me.id, ecs.now() + interval '1 minute') RETURNING id INTO v_session;
    SELECT * INTO v_answer FROM ecs_api.auctions_bid(
        (SELECT id FROM demo_auctions WHERE n = b.auction),
        json_build_array(json_build_object('user_id', v_me.id, 'session_id', v_session,
            'role', v_me.role, 'request_id', 'demo', 'amount', b.amount,
            'max_amount', b.most)));
    IF v_answer.status <> 201 THEN
        RAISE EXCEPTION 'demo bid %: %', p_n, v_answer.body;
    END IF;
    DELETE FROM ecs.sessions WHERE id = v_session;
END $$;

CREATE FUNCTION pg_temp.auction_event(p_n integer, p_what text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    a demo_auctions;
    d demo_products;
BEGIN
    SELECT * INTO a FROM demo_auctions WHERE n = p_n;
    SELECT * INTO d FROM demo_products WHERE name = a.name;
    CASE p_what
        WHEN 'auction propose' THEN
            UPDATE demo_auctions SET id = ((ecs_api.auctions_create(pg_temp.me(d.seller), d.id,
                CASE a.quantity WHEN 1 THEN a.name ELSE a.quantity || ' × ' || a.name END,
                d.description || ' New, in its box.', a.quantity, a.start_price, a.reserve,
                a.buy_now, NULL, now() - a.begins, now() - a.ends, a.stage = 'draft')).body
                ->> 'id')::bigint WHERE n = p_n;
        WHEN 'auction approve' THEN
            PERFORM ecs_api.auctions_review(pg_temp.me('admin'), a.id, 'approve', NULL);
        WHEN 'auction bid' THEN
            PERFORM pg_temp.bid(p_n);
        WHEN 'auction tick' THEN
            PERFORM ecs_lib.job_auctions_activate(10), ecs_lib.job_auctions_close(10);
            UPDATE demo_orders SET id = (SELECT order_id FROM ecs.auctions WHERE id = a.id)
                WHERE n = p_n;
    END CASE;
END $$;

DO $$
DECLARE
    e record;
BEGIN
    FOR e IN SELECT * FROM demo_events ORDER BY before DESC, n LOOP
        PERFORM pg_temp.at(e.before);
        IF e.what IN ('propose', 'approve', 'refuse') THEN
            PERFORM pg_temp.product_event(e.n, e.what);
        ELSIF e.what IN ('deposits', 'transfer', 'withdrawals', 'payout', 'changes', 'carts',
                         'top up') THEN
            PERFORM pg_temp.shop_event(e.n, e.what);
        ELSIF e.what LIKE 'offer %' THEN
            PERFORM pg_temp.offer_event(e.what);
        ELSIF e.what IN ('review', 'reply', 'hide') THEN
            PERFORM pg_temp.review_event(e.n, e.what);
        ELSIF e.what LIKE 'return %' THEN
            PERFORM pg_temp.return_event(e.n, e.what);
        ELSIF e.what LIKE 'auction %' THEN
            PERFORM pg_temp.auction_event(e.n, e.what);
        ELSE
            PERFORM pg_temp.order_event(e.n, e.what);
        END IF;
    END LOOP;
END $$;

-- The real time again, and nothing left behind; old news are no mails any more.
CREATE OR REPLACE FUNCTION ecs.now() RETURNS timestamptz LANGUAGE sql VOLATILE
AS $$ SELECT clock_timestamp() $$;
DELETE FROM ecs.outbox WHERE expires_at <= ecs.now();
DROP FUNCTION pg_temp.at(interval), pg_temp.me(text), pg_temp.product_event(integer, text),
    pg_temp.fill_cart(text, integer), pg_temp.order_event(integer, text),
    pg_temp.deposit(text, numeric, text), pg_temp.shop_event(integer, text),
    pg_temp.open_sale(text, text, interval, interval, integer, integer),
    pg_temp.offer_event(text), pg_temp.review_event(integer, text),
    pg_temp.return_event(integer, text),
    pg_temp.bid(integer), pg_temp.auction_event(integer, text);
