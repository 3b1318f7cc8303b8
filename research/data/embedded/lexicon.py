"""The nouns and names of the embedded corpus, by meaning, the most frequent first.

A class is `name counter: English Korean, ...`. Marks before the English word: ~ has no plural and is not counted
(rice); = has only a plural (shoes); ! is one of its kind (the sun). After the Korean word: /X its own counter, @X the
preposition that English puts before the place. `PLURALS` has the irregular plurals. The tables of `predicates` name
nouns by their class. In every table an indented line continues the line before.
"""

NOUNS = """
person 명: teacher 선생님, student 학생, friend 친구, child 아이, doctor 의사, woman 여자, man 남자, boy 소년,
    girl 소녀, mother 어머니, father 아버지, neighbor 이웃, farmer 농부, writer 작가, singer 가수, nurse 간호사,
    driver 운전사, king 왕, queen 여왕, guest 손님, officer 경찰관, scientist 과학자, lawyer 변호사, soldier 군인,
    cook 요리사, painter 화가, grandmother 할머니, grandfather 할아버지, uncle 삼촌, aunt 이모, artist 예술가,
    actor 배우, reporter 기자, baker 제빵사, engineer 기술자, dancer 무용수, fisherman 어부, hunter 사냥꾼,
    merchant 상인, carpenter 목수, dentist 치과의사, librarian 사서, tourist 관광객, poet 시인, judge 판사,
    pilot 조종사, sailor 선원, firefighter 소방관, waiter 종업원, tailor 재단사, monk 스님, nephew 조카, cousin 사촌,
    mayor 시장, magician 마술사, detective 탐정, thief 도둑, spy 간첩, prince 왕자, princess 공주, translator 번역가,
    photographer 사진사, gardener 정원사, barber 이발사, beggar 거지, shepherd 양치기, astronaut 우주비행사,
    sculptor 조각가, pharmacist 약사, accountant 회계사
animal 마리: dog 개, cat 고양이, horse 말, cow 소, rabbit 토끼, pig 돼지, tiger 호랑이, bear 곰, fox 여우,
    monkey 원숭이, lion 사자, elephant 코끼리, goat 염소, wolf 늑대, snake 뱀, frog 개구리, squirrel 다람쥐,
    turtle 거북이, whale 고래, dolphin 돌고래, spider 거미, ant 개미, camel 낙타, giraffe 기린, panda 판다,
    hedgehog 고슴도치, otter 수달, badger 오소리, raccoon 너구리, crocodile 악어
bird 마리: bird 새, chicken 닭, duck 오리, butterfly 나비, eagle 독수리, owl 부엉이, bee 벌, crow 까마귀, magpie 까치,
    parrot 앵무새, swallow 제비, pigeon 비둘기, peacock 공작새, heron 왜가리, woodpecker 딱따구리
food 개: apple 사과, ~bread 빵, ~rice 밥, egg 달걀, pear 배, cake 케이크, ~soup 국, ~meat 고기, potato 감자,
    orange 오렌지, banana 바나나, carrot 당근, ~cheese 치즈, cookie 과자, strawberry 딸기, watermelon 수박,
    peach 복숭아, tomato 토마토, onion 양파, cucumber 오이, mushroom 버섯, sandwich 샌드위치, ~chocolate 초콜릿,
    ~kimchi 김치, dumpling 만두, ~tofu 두부, persimmon 감, ~garlic 마늘, pumpkin 호박, =noodles 국수, chestnut 밤,
    sausage 소시지, lemon 레몬, ~honey 꿀, ~spinach 시금치, eggplant 가지, ~porridge 죽, apricot 살구, radish 무
drink 병: ~water 물, ~coffee 커피, ~tea 차, ~milk 우유, ~juice 주스, ~beer 맥주, ~wine 포도주, ~lemonade 레모네이드,
    ~cocoa 코코아, ~makgeolli 막걸리, ~soju 소주
book 권: book 책, novel 소설, newspaper 신문/부, diary 일기, magazine 잡지, dictionary 사전, textbook 교과서,
    poem 시/편, report 보고서/부, article 기사/편, essay 수필/편, contract 계약서/부, manual 설명서/부,
    script 대본/부, biography 전기, cookbook 요리책, atlas 지도책, encyclopedia 백과사전, pamphlet 소책자,
    memoir 회고록
paper 장: photograph 사진, ticket 표, picture 그림, map 지도, postcard 엽서, receipt 영수증, poster 포스터,
    invitation 초대장, certificate 증명서, portrait 초상화, sketch 스케치, leaflet 전단
clothes 벌: coat 외투, shirt 셔츠, dress 원피스, skirt 치마, sweater 스웨터, =pants 바지, jacket 재킷, uniform 제복,
    suit 정장, raincoat 비옷, vest 조끼, hanbok 한복, =pajamas 잠옷, =jeans 청바지, robe 가운, apron 앞치마,
    blouse 블라우스, tuxedo 턱시도
hat 개: hat 모자, =glasses 안경, helmet 헬멧, mask 가면, crown 왕관, wig 가발, =sunglasses 선글라스, beret 베레모
shoes 켤레: =shoes 신발, =boots 장화, =socks 양말, =sneakers 운동화, =sandals 샌들, =slippers 슬리퍼, =skates 스케이트
glove 켤레: =gloves 장갑, =mittens 벙어리장갑
tied 개: scarf 스카프, necktie 넥타이, belt 벨트, backpack 배낭
instrument 대: piano 피아노, guitar 기타, violin 바이올린, flute 플루트, cello 첼로, trumpet 트럼펫, harp 하프,
    saxophone 색소폰, clarinet 클라리넷, gayageum 가야금, accordion 아코디언, oboe 오보에
sport 개: ~soccer 축구, ~baseball 야구, ~basketball 농구, ~tennis 테니스, ~volleyball 배구, ~golf 골프,
    ~badminton 배드민턴, ~hockey 하키, ~rugby 럭비, ~polo 폴로
chess 개: ~chess 체스, ~baduk 바둑, ~janggi 장기
car 대: car 자동차, bus 버스, train 기차, bicycle 자전거, taxi 택시, truck 트럭, motorcycle 오토바이, tractor 트랙터,
    ambulance 구급차, tram 전차, sled 썰매, carriage 마차
vessel 척: ship 배, boat 보트, ferry 여객선, submarine 잠수함, yacht 요트, raft 뗏목
aircraft 대: airplane 비행기, helicopter 헬리콥터, jet 제트기, glider 활공기
building 채: house 집, school 학교/곳, hospital 병원/곳, store 가게/곳, library 도서관/곳, restaurant 식당/곳,
    museum 박물관/곳, church 교회/곳, hotel 호텔/곳, theater 극장/곳, palace 궁전/곳, station 역/곳, castle 성/곳,
    cafe 카페/곳, airport 공항/곳, bakery 빵집/곳, pharmacy 약국/곳, cabin 오두막, lighthouse 등대/곳, barn 헛간,
    orphanage 고아원/곳, inn 여관/곳
place 곳: park 공원@in, room 방@in, kitchen 부엌@in, market 시장@at, garden 정원@in, forest 숲@in, village 마을@in,
    classroom 교실@in, office 사무실@in, beach 바닷가@on, farm 농장@on, mountain 산@on, street 거리@on, island 섬@on,
    field 들판@in, cave 동굴@in, square 광장@in, alley 골목@in, yard 마당@in, hill 언덕@on, playground 운동장@on,
    desert 사막@in, valley 계곡@in, basement 지하실@in, stadium 경기장@in, tunnel 터널@in, attic 다락방@in,
    zoo 동물원@at, port 항구@at, orchard 과수원@in, roof 지붕@on, swamp 늪@in, quarry 채석장@in
city 곳: Seoul 서울, Busan 부산, London 런던, Paris 파리, Tokyo 도쿄, Daegu 대구, Incheon 인천, Berlin 베를린,
    Rome 로마, Beijing 베이징, Gwangju 광주, Daejeon 대전, Jeju 제주, Madrid 마드리드, Moscow 모스크바, Suwon 수원,
    Ulsan 울산, Boston 보스턴, Vienna 빈, Sydney 시드니, Cairo 카이로, Jeonju 전주, Gangneung 강릉, Mokpo 목포,
    Yeosu 여수, Lisbon 리스본, Toronto 토론토, Mumbai 뭄바이, Hanoi 하노이, Prague 프라하, Gyeongju 경주, Sokcho 속초,
    Chicago 시카고, Dublin 더블린, Oslo 오슬로, Osaka 오사카, Tongyeong 통영, Nairobi 나이로비, Helsinki 헬싱키,
    Istanbul 이스탄불
stream 줄기: river 강, stream 개울, waterfall 폭포, brook 시내
lake 곳: lake 호수, sea 바다, pond 연못, bay 만
cutter 자루: knife 칼, =scissors 가위, axe 도끼, razor 면도칼, sword 검, sickle 낫
writer 자루: pencil 연필, pen 펜, brush 붓, crayon 크레용, marker 마커
fixer 개: hammer 망치, screwdriver 드라이버, wrench 렌치, =pliers 펜치
cutlery 개: spoon 숟가락, fork 포크, =chopsticks 젓가락, ladle 국자
tool 개: umbrella 우산, key 열쇠, rope 밧줄, ladder 사다리, shovel 삽, needle 바늘, broom 빗자루, candle 양초,
    stick 막대기, telescope 망원경, lantern 등불, magnet 자석, compass 나침반, whistle 호루라기, microscope 현미경,
    anchor 닻
dish 개: cup 컵, bottle 병, plate 접시, bowl 그릇, vase 꽃병, jar 항아리, teapot 찻주전자, saucer 받침
box 개: box 상자, bag 가방, suitcase 여행가방, drawer 서랍, basket 바구니, wallet 지갑, barrel 통, safe 금고,
    bucket 양동이
furniture 개: chair 의자, table 탁자, desk 책상, bed 침대, sofa 소파, mirror 거울, lamp 램프, clock 시계, shelf 선반,
    blanket 이불, pillow 베개, bench 벤치, carpet 양탄자, wardrobe 옷장, stool 걸상, cradle 요람
door 개: door 문, window 창문, gate 대문, curtain 커튼, shutter 덧문
machine 대: computer 컴퓨터, television 텔레비전, radio 라디오, camera 카메라, telephone 전화기, refrigerator 냉장고,
    engine 엔진, robot 로봇, laptop 노트북, printer 인쇄기, heater 난로, elevator 승강기, generator 발전기,
    projector 영사기
plant 그루: tree 나무, pine 소나무, oak 참나무, maple 단풍나무, willow 버드나무, ginkgo 은행나무, cactus 선인장,
    poplar 포플러
flower 송이: flower 꽃, rose 장미, tulip 튤립, lily 백합, sunflower 해바라기, azalea 진달래, orchid 난초, daisy 데이지
song 곡: song 노래, melody 멜로디, lullaby 자장가, symphony 교향곡, waltz 왈츠, hymn 찬송가, anthem 국가
film 편: movie 영화, play 연극, drama 드라마, opera 오페라, cartoon 만화영화, documentary 다큐멘터리, musical 뮤지컬
medicine 알: ~medicine 약, pill 알약, vitamin 비타민, ~aspirin 아스피린
idea 가지: problem 문제, question 질문, plan 계획, answer 대답, rule 규칙, mistake 실수, theory 이론, riddle 수수께끼,
    hypothesis 가설, error 오차
tale 가지: story 이야기, secret 비밀, rumor 소문, joke 농담, legend 전설, password 비밀번호, prophecy 예언,
    confession 고백
study 과목: ~math 수학, ~history 역사, ~English 영어, ~science 과학, ~physics 물리학, ~chemistry 화학,
    ~philosophy 철학, ~geography 지리, ~biology 생물학, ~economics 경제학, ~astronomy 천문학
toy 개: ball 공, doll 인형, toy 장난감, kite 연, balloon 풍선, puzzle 퍼즐, puppet 꼭두각시
treasure 개: gift 선물, ~money 돈, coin 동전, necklace 목걸이, jewel 보석, ~gold 금, medal 메달, trophy 트로피,
    diamond 다이아몬드, treasure 보물, bracelet 팔찌, pearl 진주
body 개: hand 손, face 얼굴, foot 발, head 머리, arm 팔, leg 다리, finger 손가락, shoulder 어깨, knee 무릎, ear 귀,
    nose 코, elbow 팔꿈치, ankle 발목, wrist 손목
event 번: party 파티, meeting 회의, concert 음악회, wedding 결혼식, festival 축제, exhibition 전시회, funeral 장례식,
    lecture 강연, seminar 세미나, banquet 연회
game 번: race 경주, tournament 대회, final 결승전, semifinal 준결승전
sky 개: !moon 달, !sun 해, cloud 구름, comet 혜성, rainbow 무지개
"""

# Nouns that only the context decides: `word: class Korean, class Korean`, marks as above.
AMBIGUOUS_NOUNS = """
bat: bird 박쥐, tool 방망이
bank: building 은행/곳, place 강둑@on
mouse: animal 쥐, machine 마우스
seal: animal 물개, tool 도장
crane: bird 두루미, machine 기중기
letter: paper 편지/통, idea 글자
spring: stream 샘, tool 용수철
nail: tool 못, body 손톱
plant: flower 식물, building 공장/곳
star: person 스타, sky 별
organ: instrument 오르간, body 장기
ring: treasure 반지, place 링@in
fan: person 팬, machine 선풍기
chest: box 궤, body 가슴
match: game 경기, tool 성냥
pitcher: person 투수, dish 물병
coach: person 감독, car 사륜마차
court: building 법원/곳, place 코트@on
pupil: person 제자, body 눈동자
tank: car 탱크, box 수조
bug: animal 벌레, idea 오류
club: event 동아리, tool 곤봉
mole: animal 두더지, body 점
palm: plant 야자수, body 손바닥
horn: instrument 호른, body 뿔
calf: animal 송아지, body 종아리
file: book 서류/부, tool 줄
temple: building 절/곳, body 관자놀이
pipe: instrument 피리, tool 파이프
iron: machine 다리미, ~treasure 철
kiwi: food 키위, animal 키위새
cricket: ~sport 크리켓, animal 귀뚜라미
squash: ~sport 스쿼시, food 애호박
speaker: person 연사, machine 확성기
drill: fixer 드릴, event 훈련
cape: clothes 망토, place 곶@on
mint: food 박하, building 조폐국/곳
boxer: person 권투선수, animal 복서
tie: tied 타이, game 무승부
"""

PLURALS = {
    "child": "children", "woman": "women", "man": "men", "fisherman": "fishermen", "thief": "thieves", "wolf": "wolves",
    "knife": "knives", "shelf": "shelves", "foot": "feet", "potato": "potatoes", "tomato": "tomatoes", "mouse": "mice",
    "calf": "calves", "cactus": "cacti", "scarf": "scarves", "bus": "buses", "hypothesis": "hypotheses",
}  # fmt: skip

SURNAMES = """Kim 김, Lee 이, Park 박, Choi 최, Jung 정, Kang 강, Cho 조, Yoon 윤, Jang 장, Lim 임, Han 한, Oh 오,
    Seo 서, Shin 신, Kwon 권, Hwang 황, Ahn 안, Song 송, Hong 홍, Yoo 유, Moon 문, Bae 배, Baek 백, Nam 남, Noh 노,
    Ha 하, Joo 주, Koo 구"""

# A Korean given name is one of the first and one of the second, so that most of the many names are rare.
GIVEN_FIRST = """Min 민, Seo 서, Ji 지, Ha 하, Jun 준, Su 수, Eun 은, Yu 유, Do 도, Ye 예, Hyeon 현, So 소, Tae 태,
    Dong 동, Yeong 영, Jae 재, Seung 승, Seong 성, Geon 건, Si 시, Yun 윤, Na 나, Chae 채, Sang 상, Jeong 정,
    Gyeong 경, Hye 혜, Mi 미, Ju 주, U 우, Gyu 규, Bo 보, Gi 기, Se 세, Jin 진, Hyeong 형, Jong 종, Hong 홍, Seon 선,
    Byeong 병"""
GIVEN_SECOND = """jun 준, yeon 연, ho 호, jin 진, seo 서, hyeon 현, su 수, min 민, yeong 영, hui 희, won 원, u 우,
    eun 은, a 아, ji 지, bin 빈, yul 율, gyeong 경, hyeok 혁, seok 석, cheol 철, mi 미, jeong 정, hun 훈, hwan 환,
    sik 식, in 인, rin 린, ra 라, sol 솔, chan 찬, seop 섭, gyun 균, tae 태, beom 범, yun 윤, hu 후, geon 건,
    byeol 별, seul 슬"""
FOREIGN_NAMES = """Anna 안나, Tom 톰, Sara 사라, David 데이비드, Mary 메리, John 존, Peter 피터, Emma 에마, Lucy 루시,
    Paul 폴, Julia 줄리아, Mark 마크, Alice 앨리스, Henry 헨리, Maria 마리아, Oliver 올리버, Laura 로라, Simon 사이먼,
    Helen 헬렌, Victor 빅터, Clara 클라라, Oscar 오스카, Nina 니나, Martin 마틴, Sophia 소피아, Bruno 브루노,
    Irene 아이린, Felix 펠릭스, Diana 다이애나, Hugo 휴고, Ingrid 잉그리드, Carlos 카를로스, Yuki 유키, Boris 보리스,
    Amelia 어밀리아, Stefan 슈테판, Olga 올가, Ravi 라비, Fatima 파티마, Giovanni 조반니"""
TITLES = "Professor 교수, Doctor 박사, Chairman 회장, Director 감독, Captain 선장, Secretary 비서, Principal 교장"

COUNTS = """two 두, three 세, four 네, five 다섯, ten 열, six 여섯, seven 일곱, twenty 스무, eight 여덟, nine 아홉,
    twelve 열두, thirty 서른, eleven 열한, fifteen 열다섯, forty 마흔, fifty 쉰"""
HOURS = """three 세, two 두, five 다섯, six 여섯, seven 일곱, nine 아홉, ten 열, four 네, one 한, eight 여덟,
    eleven 열한, twelve 열두"""
MONTHS = """May 5, April 4, October 10, June 6, March 3, September 9, December 12, January 1, July 7, August 8,
    February 2, November 11"""
WEEKDAYS = "Monday 월, Friday 금, Saturday 토, Sunday 일, Wednesday 수, Thursday 목, Tuesday 화"
SEASONS = "summer 여름, winter 겨울, autumn 가을"
