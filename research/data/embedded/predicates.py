"""The verbs, adjectives and adverbs of the embedded corpus, the most frequent first.

A verb is `base past -ing: sense; sense`. A sense is `subject classes > object classes = stem`: where senses differ in
Korean, the noun decides. _ joins words; ! before a verb: a state, without progressive or will. {에게} after `=`: the
object's particle, where it is not 을/를. +X at the end: `with` takes an instrument of class X. Stems are
as in `korean`. A class in capitals is a group of `GROUPS`.
"""

GROUPS = {
    "ANIMAL": "animal bird",
    "VEHICLE": "car vessel aircraft",
    "READING": "book paper",
    "CLOTHING": "clothes hat shoes glove tied",
    "TOOL": "cutter writer fixer cutlery tool",
    "OBJECT": "book paper CLOTHING TOOL instrument dish box toy treasure",
    "GOODS": "food drink flower OBJECT furniture machine VEHICLE",
    "SITE": "building place city",
    "VISIBLE": "person ANIMAL building place stream lake GOODS plant sky film door",
}

INTRANSITIVE = """
sleep slept sleeping: person ANIMAL = 자
cry cried crying: person ANIMAL = 울
laugh laughed laughing: person = 웃
dance danced dancing: person = 춤추
run ran running: person animal = 달리; machine = 작동하; stream = 흐르; car vessel = 운행하
sing sang singing: person = 노래하
swim swam swimming: person animal = 헤엄치
rest rested resting: person ANIMAL = 쉬
work worked working: person = 일하; machine = 작동하
fall fell falling: person = 넘어지; OBJECT = 떨어지; plant = 쓰러지; building = 무너지
disappear disappeared disappearing: person ANIMAL OBJECT VEHICLE = 사라지
stop stopped stopping: VEHICLE machine = 멈추; person ANIMAL = 멈춰 서; event film game = 중단되
break broke breaking: dish = 깨지; machine VEHICLE = 고장 나; TOOL toy = 부러지
burn burned burning: building plant furniture book paper = 타
grow grew growing: person ANIMAL plant flower = 자라
shine shone shining: sky treasure = 빛나
bloom bloomed blooming: flower = 피
close closed closing: building = 문을 닫; door = 닫히
open opened opening: building = 문을 열; door = 열리; flower = 피어나; event game = 시작되
smile smiled smiling: person = 미소 짓*
cough coughed coughing: person = 기침하
die died dying: person ANIMAL flower plant = 죽; machine = 꺼지
fly flew flying: bird aircraft = 날
jump jumped jumping: person ANIMAL = 뛰
sink sank sinking: vessel = 가라앉; sky = 지
end ended ending: event film game = 끝나
arrive arrived arriving: person VEHICLE = 도착하
move moved moving: person = 이사하; ANIMAL VEHICLE machine sky = 움직이
collapse collapsed collapsing: building = 무너지; person ANIMAL = 쓰러지
rise rose rising: sky = 뜨; person = 일어서; stream = 불어나
wait waited waiting: person = 기다리
pray prayed praying: person = 기도하
escape escaped escaping: person ANIMAL = 달아나
yawn yawned yawning: person ANIMAL = 하품하
starve starved starving: person ANIMAL = 굶주리
retire retired retiring: person = 은퇴하
"""

TRANSITIVE = """
!see saw seeing: person ANIMAL > VISIBLE = 보
read read reading: person > book = 읽
buy bought buying: person > GOODS building = 사
eat ate eating: person ANIMAL > food = 먹 +cutlery
find found finding: person ANIMAL > VISIBLE = 찾아내
make made making: person > food drink OBJECT furniture machine film = 만들
!like liked liking: person > person ANIMAL VISIBLE study song sport event game tale = 좋아하
wear wore wearing: person > clothes = 입; person > hat = 쓰; person > shoes = 신; person > glove = 끼;
    person > tied = 매
drink drank drinking: person ANIMAL > drink = 마시
play played playing: person > instrument song = 연주하; person > sport = 하; person > chess = 두
write wrote writing: person > book paper tale = 쓰 +writer; person > song = 작곡하
take took taking: person > VEHICLE = 타; person > medicine = 먹; person > OBJECT machine = 가져가
open opened opening: person > door box building = 열; person > READING = 펼치
close closed closing: person > door box = 닫; person > book = 덮; person > building = 폐쇄하
break broke breaking: person ANIMAL > dish = 깨뜨리; person > TOOL toy = 부러뜨리; person > machine VEHICLE = 망가뜨리
!love loved loving: person > person ANIMAL song film city = 사랑하
meet met meeting: person > person = 만나
visit visited visiting: person > person SITE = 방문하
call called calling: person > person = {에게}전화하; person > animal = 부르; person > car = 호출하
help helped helping: person > person ANIMAL = 돕*
lose lost losing: person > OBJECT ANIMAL = 잃어버리; person > game = {에서}지
draw drew drawing: person > person ANIMAL building plant flower sky dish = 그리 +writer; person > game = {에서}비기
cut cut cutting: person > food = 썰 +cutter; person > clothes paper = 자르 +cutter; person > plant flower = 베 +cutter
wash washed washing: person > body dish food VEHICLE ANIMAL = 씻; person > CLOTHING = 빨
build built building: person > building = 짓*
fix fixed fixing: person > machine VEHICLE furniture instrument door = 고치 +fixer; person > idea = 바로잡;
    person > game = 조작하
listen_to listened_to listening_to: person > song tale = 듣*; person > person = {에게}귀를 기울이
look_for looked_for looking_for: person ANIMAL > VISIBLE = 찾
cook cooked cooking: person > food = 요리하
carry carried carrying: person > GOODS = 나르
study studied studying: person > study = 공부하; person > ANIMAL sky plant idea = 연구하
teach taught teaching: person > person study = 가르치
watch watched watching: person > film event game sport = 보; person ANIMAL > person ANIMAL sky = 지켜보
clean cleaned cleaning: person > SITE = 청소하; person > furniture machine instrument dish door = 닦
follow followed following: person ANIMAL > person ANIMAL VEHICLE = 따라가; person > idea = 따르
catch caught catching: person ANIMAL > ANIMAL = 잡; person > person = 붙잡; person > toy = 받; person > VEHICLE = 잡아타
raise raised raising: person > ANIMAL flower = 기르; person > person = 키우; person > body = 들; person > idea = 제기하
miss missed missing: person > person ANIMAL city = 그리워하; person > VEHICLE event game = 놓치
borrow borrowed borrowing: person > OBJECT VEHICLE = 빌리
sell sold selling: person > GOODS building = 팔
choose chose choosing: person > GOODS song film idea = 고르
throw threw throwing: person > toy dish TOOL = 던지
kick kicked kicking: person ANIMAL > toy person ANIMAL = 차
push pushed pushing: person > person VEHICLE furniture door = 밀
pull pulled pulling: person ANIMAL > VEHICLE door = 당기; person ANIMAL > body = 잡아당기
touch touched touching: person > OBJECT ANIMAL body door furniture = 만지
hide hid hiding: person ANIMAL > OBJECT food = 숨기
paint painted painting: person > door furniture building VEHICLE = 칠하;
    person > person ANIMAL flower sky = 그리 +writer
drive drove driving: person > car = 운전하; person > animal = 몰; person > person = 태워다 주
plant planted planting: person > plant flower = 심
steal stole stealing: person ANIMAL > food OBJECT VEHICLE machine = 훔치
use used using: person > TOOL machine = 사용하; person > VEHICLE place building = 이용하
turn_on turned_on turning_on: person > machine = 켜
turn_off turned_off turning_off: person > machine = 끄
take_care_of took_care_of taking_care_of: person > person ANIMAL = 돌보; person > flower plant = 가꾸;
    person > idea = 처리하
pick_up picked_up picking_up: person > OBJECT = 줍*; person > person = 태우; person > study = 익히
throw_away threw_away throwing_away: person > OBJECT furniture food = 버리
recognize recognized recognizing: person > person song ANIMAL = 알아보
!forget forgot forgetting: person > person idea tale song = 잊
!remember remembered remembering: person > person idea tale song event = 기억하
explain explained explaining: person > idea study tale = 설명하
solve solved solving: person > idea = 풀
cross crossed crossing: person ANIMAL vessel > stream lake = 건너; person ANIMAL > place = 가로지르
order ordered ordering: person > food drink OBJECT = 주문하; person > person = {에게}명령하
bake baked baking: person > food = 굽*
ride rode riding: person > animal VEHICLE = 타
translate translated translating: person > book song = 번역하
invite invited inviting: person > person = 초대하
chase chased chasing: person ANIMAL > person ANIMAL VEHICLE = 쫓
bite bit biting: ANIMAL > person ANIMAL body = 물
attack attacked attacking: person ANIMAL > person ANIMAL building = 공격하
save saved saving: person > person ANIMAL = 구하
attend attended attending: person > event game = {에}참석하
hold held holding: person > event game = 개최하; person > OBJECT body = 잡
fold folded folding: person > paper clothes = 접
hug hugged hugging: person > person ANIMAL = 껴안
thank thanked thanking: person > person = {에게}감사하
marry married marrying: person > person = {과}결혼하
fight fought fighting: person ANIMAL > person ANIMAL = {과}싸우
wait_for waited_for waiting_for: person ANIMAL > person VEHICLE event game = 기다리
examine examined examining: person > person body = 진찰하; person > machine VEHICLE OBJECT = 살펴보;
    person > idea = 검토하
hurt hurt hurting: person ANIMAL > body = 다치; person > person ANIMAL = 해치
print printed printing: person > READING = 인쇄하
publish published publishing: person > book song = 출간하
pack packed packing: person > box = 싸; person > dish TOOL toy food = 포장하
boil boiled boiling: person > drink = 끓이; person > food = 삶
fire fired firing: person > person = 해고하
run ran running: person > building = 운영하; person > machine = 돌리; person > event game = 진행하
hunt hunted hunting: person ANIMAL > ANIMAL = 사냥하
protect protected protecting: person ANIMAL > person ANIMAL building city treasure = 지키
photograph photographed photographing: person > VISIBLE = 촬영하
praise praised praising: person > person song film book = 칭찬하
scold scolded scolding: person > person ANIMAL = 꾸짖
pick picked picking: person > food flower = 따; person > person idea = 뽑
settle settled settling: person > idea = 해결하; person > city place = {에}정착하
guard guarded guarding: person ANIMAL > building door treasure = 지키
bury buried burying: person > person ANIMAL treasure = 묻
"""

GIVING = """
give gave giving: person > GOODS = 주
show showed showing: person > GOODS film = 보여 주
send sent sending: person > OBJECT food flower = 보내
lend lent lending: person > OBJECT VEHICLE machine = 빌려주
tell told telling: person > idea tale = 말해 주
teach taught teaching: person > study song sport = 가르치
sell sold selling: person > GOODS building = 팔
hand handed handing: person > OBJECT food = 건네
read read reading: person > book = 읽어 주
offer offered offering: person > food drink = 권하; person > treasure = 제안하
mail mailed mailing: person > READING = 부치
"""

MOTION = """
go went going: person > SITE = {에}가
come came coming: person > SITE = {에}오
run ran running: person animal > SITE = {으로}달려가
walk walked walking: person ANIMAL > SITE = {으로}걸어가
return returned returning: person ANIMAL VEHICLE > SITE = {으로}돌아가
travel traveled traveling: person > city = {으로}여행하
fly flew flying: bird aircraft > SITE = {으로}날아가; person > city = {으로}비행하
drive drove driving: person > building city = {으로}운전해 가
hurry hurried hurrying: person ANIMAL > SITE = {으로}서둘러 가
"""

SAYING = """
say said saying: person = 고 말하
think thought thinking: person = 고 생각하
!hear heard hearing: person = 고 듣*
!believe believed believing: person = 고 믿
learn learned learning: person = 것을 알게 되
write wrote writing: person = 고 쓰
!remember remembered remembering: person = 것을 기억하
claim claimed claiming: person = 고 주장하
admit admitted admitting: person = 고 인정하
!forget forgot forgetting: person = 것을 잊
announce announced announcing: person = 고 발표하
notice noticed noticing: person = 것을 알아차리
explain explained explaining: person = 고 설명하
shout shouted shouting: person = 고 외치
guess guessed guessing: person = 고 추측하
report reported reporting: person = 고 보고하
"""

# English: classes = stem; ... The noun decides. ^: only before a noun, as a word that does not change.
ADJECTIVES = """
old: person ANIMAL = 늙; GOODS building place door plant film song = 오래되
big: GOODS building place ANIMAL plant door stream lake = 크
new: GOODS building door film song idea event = ^새
small: GOODS building place ANIMAL plant door stream lake = 작
young: person ANIMAL plant = 어리
good: person = 착하; GOODS building film song idea = 좋
beautiful: person ANIMAL flower building place city film song sky stream lake = 아름답*
red: clothes hat shoes glove tied flower OBJECT VEHICLE door = 빨갛*
tall: person = 키가 크; building plant = 높
kind: person = 친절하
heavy: OBJECT furniture machine = 무겁*; food = 느끼하
expensive: GOODS building = 비싸
white: clothes hat shoes glove ANIMAL flower dish VEHICLE door building = 하얗*
light: OBJECT furniture machine = 가볍*; food = 담백하
poor: person = 가난하; book film song idea = 부실하
famous: person building city song film book stream lake = 유명하
hot: food drink dish machine = 뜨겁*; place city = 덥*
cold: food drink dish stream lake = 차갑*; place city building = 춥*; person = 냉정하
long: READING film song event game clothes stream lake = 길
difficult: idea study book song = 어렵*
rich: person = 부유하; food = 진하
dark: place building = 어둡*; clothes hat shoes door = 짙; song film = 우울하
strange: person ANIMAL idea song film OBJECT building = 이상하
clever: person ANIMAL = 영리하
sick: person ANIMAL = 아프; plant flower = 시들
blue: clothes hat shoes glove tied VEHICLE door dish sky stream lake = 파랗*
sweet: food drink = 달; person = 상냥하; song = 감미롭*
quiet: person place building ANIMAL = 조용하; machine = 소음이 적
dangerous: ANIMAL machine tool cutter place stream lake = 위험하
sad: person = 슬프; song film book = 애절하
short: person = 키가 작; film song book event game = 짧
bright: person = 총명하; place sky flower = 밝; clothes = 화려하
broken: dish furniture = ^깨진; machine VEHICLE = ^고장 난; TOOL toy = ^부러진
wooden: furniture dish box building door toy = ^나무로 만든
dirty: clothes shoes dish place body VEHICLE = 더럽*
strong: person ANIMAL = 힘세; drink = 독하; machine = 튼튼하
hungry: person ANIMAL = 배고프
yellow: clothes hat shoes flower VEHICLE door dish = 노랗*
busy: person = 바쁘; place city building = 번잡하
fresh: food drink = 신선하; flower = 싱싱하; idea = 참신하
hard: idea study = 까다롭*; furniture food = 딱딱하
empty: box dish place building = 비
sharp: cutter tool fixer = 날카롭*; person = 예리하
happy: person = 행복하; song film event = 즐겁*
black: clothes hat shoes ANIMAL VEHICLE dish = 검
wild: ANIMAL flower = ^야생; event = 떠들썩하; place = 거칠
thick: book clothes furniture = 두껍*; drink = 걸쭉하; plant = 굵
lonely: person = 외롭*; building place = 외지
brave: person ANIMAL = 용감하
cheap: GOODS = 싸
lazy: person ANIMAL = 게으르
rotten: food = 썩
round: dish furniture hat box = 둥글
loud: person machine = 시끄럽*; song = 우렁차
plain: clothes dish furniture = 수수하; food = 담담하; idea = 분명하
precious: treasure paper = 귀중하
wise: person = 현명하; idea = 슬기롭*
fragile: dish furniture toy = 깨지기 쉽*; person = 연약하
"""

MANNER = """quickly 빨리, slowly 천천히, quietly 조용히, carefully 조심스럽게, again 다시, often 자주,
    suddenly 갑자기, secretly 몰래, gladly 기꺼이, finally 마침내, easily 쉽게, immediately 곧바로, calmly 차분하게,
    proudly 자랑스럽게, eagerly 열심히, reluctantly 마지못해"""

# English (_ joins words) and Korean; each Korean word is linked to every English word.
TIMES = {
    "past": "yesterday 어제, last_night 어젯밤에, last_week 지난주에, last_year 작년에, last_month 지난달에, "
    "recently 최근에",
    "present": "today 오늘, now 지금, these_days 요즘",
    "future": "tomorrow 내일, soon 곧, next_week 다음_주에, next_year 내년에, next_month 다음_달에",
    "any": "today 오늘, at_night 밤에, at_noon 정오에, at_dawn 새벽에, "
    "before_dinner 저녁_식사_전에, after_lunch 점심_식사_후에",
}
